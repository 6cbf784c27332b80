"""Slides that tifffile writes, of one mosaic of the fields in fixtures/specimen.

    python tests/readers/make_slides.py fixtures/specimen OUT

Lossless copies hold the same pixels, so the same cells must be counted in them; `jpeg` and `ome` show other layouts.
"""

import sys
from pathlib import Path

import numpy
import tifffile
from PIL import Image

fields = [numpy.asarray(Image.open(path).convert("RGB")) for path in sorted(Path(sys.argv[1]).glob("*.jpg"))[:12]]
mosaic = numpy.concatenate([numpy.concatenate(fields[row : row + 3], axis=1) for row in range(0, 12, 3)])
half = mosaic[::2, ::2]
out = Path(sys.argv[2])
out.mkdir(parents=True, exist_ok=True)

LOSSLESS = {
    "raw": {},
    "raw-big-endian": {"byteorder": ">"},
    "deflate": {"compression": "zlib", "predictor": True},
    "lzw": {"compression": "lzw", "predictor": True},
    "lzw-bigtiff": {"compression": "lzw", "bigtiff": True},
    "packbits": {"compression": "packbits"},
    "jpeg2000": {"compression": "jpeg2000", "compressionargs": {"level": 0}},
}
JPEG = {"compression": "jpeg", "compressionargs": {"level": 92}}


def write(name, *, subifds=False, **options):
    file = {key: options.pop(key) for key in ("byteorder", "bigtiff") if key in options}
    # 38 pixels for a red cell of 7.5 µm.
    page = {"tile": (256, 256), "resolution": (50667, 50667), "resolutionunit": "CENTIMETER", "photometric": "rgb", **options}
    with tifffile.TiffWriter(out / name, ome=name.endswith(".ome.tiff"), **file) as tiff:
        if subifds:
            tiff.write(mosaic, subifds=1, metadata={"axes": "YXS", "PhysicalSizeX": 7.5 / 38, "PhysicalSizeY": 7.5 / 38}, **page)
        else:
            tiff.write(mosaic, metadata=None, **page)
        tiff.write(half, subfiletype=1, metadata=None, **page)


for name, options in LOSSLESS.items():
    write(f"{name}.tiff", **options)
write("jpeg.tiff", **JPEG)
write("sub-levels.ome.tiff", subifds=True, compression="zlib")
print(*sorted(path.name for path in out.iterdir()))
