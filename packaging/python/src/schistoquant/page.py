"""Reads the tiles and the remarks out of a report's page.

In: ``report.html`` as the program writes it. Out: every called schistocyte and near miss with its picture, and what is to be
considered. No other file holds them in a format for other programs. The page rounds the probability of a tile, so that it is
left out here; the table of cells has it. Program and module are of one version, so the page's ids and classes are relied
upon; a page without them is refused.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, Literal, Optional

from .errors import MissingExtra, UnknownRecord

if TYPE_CHECKING:
    from PIL.Image import Image

TileKind = Literal["called", "near_miss"]
"""Counted as a schistocyte; or counted as another class and nearly called one."""

_KIND_OF_SECTION: dict[str, TileKind] = {"gallery": "called", "near-misses": "near_miss"}
_TILE_ID = re.compile(r"tile-(\d+)-(\d+)")
_DATA_URI = "data:image/jpeg;base64,"


@dataclass(frozen=True)
class Picture:
    """An encoded picture: its bytes, and a way to open it.

    >>> Picture(b"GIF89a", "image/gif").media_type
    'image/gif'
    """

    data: bytes
    media_type: str

    def image(self) -> Image:
        """The picture for Pillow, from the extra ``research``."""
        try:
            import io

            from PIL import Image as pillow
        except ImportError as error:
            raise MissingExtra("pictures need Pillow: pip install 'schistoquant[research]'") from error
        return pillow.open(io.BytesIO(self.data))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, bytes]:
        """What a notebook shows."""
        return {self.media_type: self.data}

    def __repr__(self) -> str:
        return f"Picture({self.media_type}, {len(self.data)} bytes)"


@dataclass(frozen=True)
class Tile:
    """A called schistocyte or a near miss, with its place in the specimen.

    ``field_number`` counts the fields from 1; ``cell_id`` is the number of the object in the table of cells. ``picture`` is
    ``None`` where the case keeps no picture of the cell.
    """

    kind: TileKind
    field: str
    field_number: int
    cell_id: int
    schistocyte_probability: Optional[float]
    picture: Optional[Picture]


@dataclass(frozen=True)
class Remark:
    """What is to be considered with a result."""

    title: str
    text: str


@dataclass(frozen=True)
class Page:
    """What was read out of a page."""

    tiles: tuple[Tile, ...]
    remarks: tuple[Remark, ...]


def read_page(text: str) -> Page:
    """Reads a page; one without the section of the called cells is refused."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    if not reader.has_gallery:
        raise UnknownRecord('expected a page with the section "gallery", found none; make it again with `schistoquant report`')
    return Page(tuple(reader.tiles), tuple(reader.remarks))


class _Reader(HTMLParser):
    """Follows the page; keeps what it is inside of."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.has_gallery = False
        self.tiles: list[Tile] = []
        self.remarks: list[Remark] = []
        self._section: Optional[str] = None
        self._item: dict[str, str] = {}
        self._key: Optional[str] = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, Optional[str]]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "section":
            self._section = given.get("aria-labelledby")
            self.has_gallery |= self._section == "gallery"
        elif tag == "li":
            self._item, self._key = {"id": given.get("id", "")}, None
        elif self._section in _KIND_OF_SECTION and tag == "img":
            self._item["img"] = given["src"]
        elif self._section in _KIND_OF_SECTION and tag == "span":
            self._key = given.get("class")
            if self._key == "where name":
                self._item["field"] = given.get("title", "")
        elif self._section == "warnings" and tag in ("strong", "span"):
            self._key = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == "section":
            self._section = None
        elif tag in ("span", "strong"):
            self._key = None
        elif tag == "li" and self._section in _KIND_OF_SECTION:
            self._end_tile(_KIND_OF_SECTION[self._section], self._item)
        elif tag == "li" and self._section == "warnings":
            self.remarks.append(Remark(self._item.get("strong", "").strip(), self._item.get("span", "").strip()))

    def handle_data(self, data: str) -> None:
        if self._key is not None:
            self._item[self._key] = self._item.get(self._key, "") + data

    def _end_tile(self, kind: TileKind, item: dict[str, str]) -> None:
        place = _TILE_ID.fullmatch(item["id"])
        if place is None:
            raise UnknownRecord(f"expected a tile with the id tile-FIELD-CELL, found {item['id']!r}")
        source = item.get("img")
        picture = None
        if source is not None:
            if not source.startswith(_DATA_URI):
                raise UnknownRecord(f"{item['id']}: expected a JPEG within the page, found {source[:40]!r}")
            picture = Picture(base64.b64decode(source[len(_DATA_URI) :], validate=True), "image/jpeg")
        self.tiles.append(
            Tile(
                kind=kind,
                field=item.get("field", ""),
                field_number=int(place[1]),
                cell_id=int(place[2]),
                schistocyte_probability=None,
                picture=picture,
            )
        )
