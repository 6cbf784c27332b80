"""Finds the program ``schistoquant`` and calls it.

In: the words of a command line. Out: what it printed, or the exception of its exit code. The program that belongs to this
Python environment comes first, because its version is this module's; then the one of ``PATH``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Union

from .errors import EXCEPTION_OF_EXIT_CODE, ProgramFailed, ProgramNotFound

StrPath = Union[str, "os.PathLike[str]"]
"""A path, as text or as an object."""

RESULT_EXIT_CODES = frozenset({0, 1, 4})
"""A report was made: all of it, with failed inputs, or of a specimen that could not be assessed."""


@dataclass(frozen=True)
class Finished:
    """A call of the program that made a result."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def notes(self) -> tuple[str, ...]:
        """The lines that the program wrote beside its result: inputs that failed, and what is to be considered."""
        return tuple(line for line in self.stderr.splitlines() if line.strip())


class CommandLine:
    """The words of a call. A value that is ``None`` is left out, so that the program's own default holds."""

    def __init__(self, command: str) -> None:
        self.words = [command]

    def value(self, option: str, value: StrPath | float | None) -> None:
        """Adds ``--option=value``; one word, so that a value may begin with a dash."""
        if value is not None:
            self.words.append(f"{option}={os.fspath(value) if isinstance(value, os.PathLike) else value}")

    def switch(self, option: str, on: bool) -> None:
        """Adds an option without a value."""
        if on:
            self.words.append(option)

    def several(self, option: str, values: StrPath | Iterable[StrPath | float] | None) -> None:
        """Adds ``--option=one,two``. The program splits at commas, so a value that holds one is refused."""
        if values is None:
            return
        words = [values] if isinstance(values, (str, os.PathLike)) else list(values)
        texts = [os.fspath(word) if isinstance(word, os.PathLike) else str(word) for word in words]
        # One text may be a list already, as on the command line.
        if len(texts) > 1 and any("," in text for text in texts):
            raise ValueError(f"{option}: expected values without a comma, found {texts}; rename the file")
        self.words.append(f"{option}={','.join(texts)}")

    def inference(self, model: StrPath | None, engine: str | None, onnxruntime: StrPath | None, threads: int | None) -> None:
        """Adds what every command that runs the models takes."""
        self.value("--model", model)
        self.value("--engine", engine)
        self.value("--onnxruntime", onnxruntime)
        self.value("--threads", threads)

    def inputs(self, paths: StrPath | Iterable[StrPath]) -> None:
        """Adds the inputs, last, behind ``--``, so that a name may begin with a dash."""
        several = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
        self.words += ["--", *(os.fspath(path) for path in several)]


def find_program() -> Path:
    """The program of this Python environment, else the one in ``PATH``.

    >>> find_program().name.startswith("schistoquant")
    True
    """
    schemes = [sysconfig.get_default_scheme(), sysconfig.get_preferred_scheme("user")]
    for folder in [*(sysconfig.get_path("scripts", scheme) for scheme in schemes), None]:
        found = shutil.which("schistoquant", path=folder)
        if found is not None:
            return Path(found)
    raise ProgramNotFound(
        f"expected the program schistoquant in {sysconfig.get_path('scripts')} or in PATH, found none; "
        "install the wheel of this module again: pip install --force-reinstall schistoquant"
    )


def output_folder(out: StrPath | None) -> tuple[Path, tempfile.TemporaryDirectory[str] | None]:
    """The folder that was named, else a temporary one with what keeps it."""
    if out is not None:
        return Path(out), None
    kept = tempfile.TemporaryDirectory(prefix="schistoquant-")
    return Path(kept.name), kept


def call(command_line: CommandLine) -> Finished:
    """Runs the program and waits for its end."""
    command = [str(find_program()), *command_line.words]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", errors="replace"
    ) as process:
        try:
            stdout, stderr = process.communicate()
        except KeyboardInterrupt:
            # A terminal interrupts the program, too, and it ends in good order; anyone else who interrupts this process
            # has not told the program.
            process.terminate()
            process.communicate()
            raise
    if process.returncode in RESULT_EXIT_CODES:
        return Finished(process.returncode, stdout, stderr)
    raise EXCEPTION_OF_EXIT_CODE.get(process.returncode, ProgramFailed)(said(stderr, process.returncode), process.returncode, command)


def said(stderr: str, exit_code: int) -> str:
    """The program's own message: from ``error:`` to the end, without that word."""
    message = re.search(r"^error: (.*)", stderr, flags=re.MULTILINE | re.DOTALL)
    if message is not None:
        return message[1].strip()
    ended = f"ended by signal {-exit_code}" if exit_code < 0 else f"exit code {exit_code}"
    return stderr.strip() or f"the program said nothing ({ended})"
