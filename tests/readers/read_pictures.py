"""Decodes the pictures with Pillow: `read_pictures.py REPORT_FOLDER`."""

from PIL import Image

from report import given

report = given()


def decoded(path, kind):
    with Image.open(path) as picture:
        assert picture.format == kind, path
        picture.load()
        return picture.convert("RGB")


def near(picture, color):
    pixels = picture.get_flattened_data() if hasattr(picture, "get_flattened_data") else picture.getdata()
    return sum(all(abs(a - b) < 40 for a, b in zip(pixel, color)) for pixel in pixels)


paths = sorted((report.folder / "fields").iterdir())
fields = report.record["fields"]
assert len(paths) == len(fields)
called = 0
for path, field in zip(paths, sorted(fields, key=lambda field: field["field"])):
    picture = decoded(path, "JPEG")
    shown = min(1.0, 1280 / max(field["width_px"], field["height_px"]))
    assert picture.width == max(480, round(field["width_px"] * shown)), path
    assert picture.height > field["height_px"] * shown, "words below"
    vermilion = near(picture.crop((0, 0, picture.width, int(field["height_px"] * shown))), (213, 94, 0))
    assert (vermilion > 100) == (field["schistocytes"] > 0), (path, vermilion)
    called += field["schistocytes"]
assert called == report.count["schistocytes"]
sheet = decoded(report.folder / "gallery.png", "PNG")
rows = -(-called // 7)
assert sheet.height >= rows * 184, (sheet.size, rows)
print(f"pictures: {len(paths)} fields and a sheet of {called} cells, {sheet.width} x {sheet.height} px")
