#!/usr/bin/env python3
"""Measures how time, memory and disk grow with the number of images, and prints the tables of docs/scale.md.

    SCHISTOQUANT=target/release/schistoquant workflow/test/scale.py

Draws synthetic fields (640 x 480, about 75 red cells), 20 to a specimen, and runs `batch` over 20, 100 and 200 of them,
then the largest cohort again in shards with their `merge`. Wall and processor time are fitted by lines, fixed + per
image; what lies beyond the measured range is the line drawn on, with the arithmetic printed. Limits: photographs of other
size and density take other times (time follows the pixels and the red cells); one machine's figures are not another's,
and the wall times of a busy machine are too high.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

IMAGES_OF_A_SPECIMEN = 20
MEASURED = (20, 100, 200)
EXTRAPOLATED = (100, 1_000, 10_000, 100_000, 300_000)
SHARDS = 4
JOBS = (1, 10, 100)


def run(command: list[str], repeats: int, out: Path) -> dict[str, float]:
    """Median wall and processor seconds, and the largest memory in MB, of a command that writes `out`, a fresh folder."""
    walls, processors, memories = [], [], []
    for repeat in range(repeats):
        start = time.monotonic()
        process = subprocess.Popen([*command, "--out", f"{out}-{repeat}"], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        walls.append(time.monotonic() - start)
        if process.returncode != 0:
            sys.exit(f"{' '.join(command)} ended with exit code {process.returncode}")
        processors.append(usage.ru_utime + usage.ru_stime)
        memories.append(usage.ru_maxrss / 1000)
    return {"wall": statistics.median(walls), "processor": statistics.median(processors), "memory": max(memories)}


def disk(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def line(points: list[tuple[float, float]]) -> tuple[float, float]:
    """Least squares: intercept and slope."""
    slope, intercept = statistics.linear_regression(*zip(*points))
    return intercept, slope


def table(head: list[str], rows: list[list[str]]) -> None:
    for cells in (head, ["---"] + ["---:"] * (len(head) - 1), *rows):
        print("| " + " | ".join(cells) + " |")
    print()


def hours(seconds: float) -> str:
    return f"{seconds / 3600:,.3g}" if seconds < 360_000 else f"{seconds / 3600:,.0f}"


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--threads", type=int, default=2, help="threads of each run (default: 2)")
    words.add_argument("--repeats", type=int, default=3, help="runs of which the median is taken (default: 3)")
    words = words.parse_args()
    program = str(Path(os.environ.get("SCHISTOQUANT", "target/release/schistoquant")).resolve())
    threads = ["--threads", str(words.threads), "--quiet"]

    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        for specimen in range(1, max(MEASURED) // IMAGES_OF_A_SPECIMEN + 1):
            drawn = [program, "synth", "--out", str(work / str(specimen)), "--seed", str(specimen)]
            subprocess.run([*drawn, "--fields", str(IMAGES_OF_A_SPECIMEN)], check=True, stdout=subprocess.DEVNULL)
        points = []
        for images in MEASURED:
            manifest = work / f"{images}.csv"
            rows = range(1, images // IMAGES_OF_A_SPECIMEN + 1)
            manifest.write_text("accession,inputs,um_per_px\n" + "".join(f"S-{row},{row},0.19\n" for row in rows))
            measured = run([program, "batch", str(manifest), *threads], words.repeats, work / f"batch-{images}")
            points.append((images, measured | {"disk": disk(work / f"batch-{images}-0") / 1e6}))

        images, largest = points[-1]
        folders, shards = [], []
        for shard in range(1, SHARDS + 1):
            part = ["--shard", f"{shard}/{SHARDS}", *threads]
            shards.append(run([program, "batch", str(manifest), *part], 1, work / f"shard-{shard}"))
            folders.append(str(work / f"shard-{shard}-0"))
        merge = run([program, "merge", *folders], words.repeats, work / "merged")
        same = subprocess.run(["diff", "-r", str(work / f"batch-{images}-0"), str(work / "merged-0")], check=False)
        if same.returncode != 0:
            sys.exit("the merged shards differ from the single run")

    print(f"{platform.machine()}, {os.cpu_count()} processors, load {os.getloadavg()[1]:.1f}; "
          f"{words.threads} threads, median of {words.repeats}; "
          f"{subprocess.run([program, '--version'], capture_output=True, text=True, check=True).stdout.strip()}\n")
    table(
        ["images", "specimens", "wall, s", "processor, s", "wall per image, s", "memory, MB", "disk, MB"],
        [
            [
                str(n), str(n // IMAGES_OF_A_SPECIMEN), f"{m['wall']:.1f}", f"{m['processor']:.1f}",
                f"{m['wall'] / n:.3f}", f"{m['memory']:.0f}", f"{m['disk']:.1f}",
            ]
            for n, m in points
        ],
    )
    fixed, each = line([(n, m["wall"]) for n, m in points])
    start, work_of_one = line([(n, m["processor"]) for n, m in points])
    _, room = line([(n, m["disk"]) for n, m in points])
    joined = merge["wall"] / images
    print(f"wall(n) = {fixed:.2f} s + {each:.4f} s × n; processor(n) = {start:.2f} s + {work_of_one:.4f} s × n\n")
    print(f"{SHARDS} shards of {images} images: {sum(shard['wall'] for shard in shards):.1f} s together, "
          f"merge {merge['wall']:.2f} s ({joined * 1000:.2f} ms an image, {merge['memory']:.0f} MB), equal byte for byte\n")
    table(
        ["images", "core-hours used", "core-hours reserved", *(f"hours, {jobs} job{'s' * (jobs > 1)}" for jobs in JOBS), "merge, hours", "disk, GB"],
        [
            [
                f"{n:,}",
                hours(start + work_of_one * n),
                hours(words.threads * (fixed + each * n)),
                *(hours(fixed + each * n / jobs) for jobs in JOBS),
                hours(joined * n),
                f"{room * n / 1000:.2f}",
            ]
            for n in EXTRAPOLATED
        ],
    )
    n = EXTRAPOLATED[-1]
    print(f"used({n:,}) = ({start:.2f} s + {work_of_one:.4f} s × {n:,}) / 3600 = {hours(start + work_of_one * n)}; "
          f"reserved({n:,}) = {words.threads} × ({fixed:.2f} s + {each:.4f} s × {n:,}) / 3600 "
          f"= {hours(words.threads * (fixed + each * n))}")


if __name__ == "__main__":
    main()
