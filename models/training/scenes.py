"""Fields with the boxes of their cells, and random tiles of them: what the detector learns from.

In: the export of `schistoquant crops` (normalized fields, label maps, tables) and the labels. Out: `Scene`s at
`UM_PER_PX`, boxes in pixels of the scene (x right, y down), and `Tiles` of `TILE_PX` with what is to be learned of them.

1. Box sets: every box is an object of its kind. A cell-like object outside every box is ignored, neither an object nor
   background: cbc leaves many red cells without a box, in some fields all of them.
2. chula-rbc-12 has points, not boxes. An outline that holds exactly one point is a red cell with the outline's bounds;
   so is an outline without a point that has the size and the convexity of a single cell. Everything else that the
   segmenter found there (clumps, cells at the pointer) is ignored: neither an object nor background.
3. A tile is turned, flipped, scaled and stained anew, and cells cut from other scenes are laid over and beside its own
   by adding their optical densities, as light adds them in an overlap. Their bounds are known exactly.

Limits: bounds of chula cells are those of the outline that was exported; boxes of the box sets are loose by a few
pixels.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

import labels

# Pixel size at which the detector sees a field: a nominal red cell of 7.5 um is 24 pixels wide.
UM_PER_PX = 0.3125
CELL_PX = 24
BACKGROUND = 240.0
TILE_PX = 192
STRIDE = 4
KINDS = ["red_cell", "white_cell", "platelet"]
# An outline without a point is taken for one cell within these limits of area (shares of the nominal cell) and
# solidity: what the segmenter leaves whole by mistake is larger or bent.
SINGLE_AREA = (0.45, 1.5)
SINGLE_SOLIDITY = 0.93
# Kinds of the export that may be a single red cell.
RED_KINDS = ("red_cell", "frame_edge")
# Kinds that may hold red cells which a box set leaves without a box.
CELL_LIKE_KINDS = ("red_cell", "frame_edge", "unsplittable_clump", "too_large")
# Width of the sloped edge of a cell that is cut out, px.
CUT_EDGE_PX = 2
DENSITY = -np.log(np.maximum(np.arange(256), 1) / BACKGROUND).astype(np.float32)


@dataclass
class Scene:
    """A field at the detector's scale."""

    source: str
    field: str
    part: str
    rgb: np.ndarray  # uint8, H x W x 3, background 240
    boxes: np.ndarray  # float32, N x 4: x_min, y_min, x_max, y_max
    kinds: np.ndarray  # int, N: index in KINDS
    ignored: np.ndarray  # bool, H x W
    weight: float = 1.0


@dataclass
class Cut:
    """A single red cell for laying over others: optical density, 0 outside, and its mask."""

    density: np.ndarray  # float32, h x w x 3
    mask: np.ndarray  # bool, h x w


def _rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def load(data, folder):
    """Scenes of every export below `folder`, and cut-out cells of the training parts."""
    splits = labels.chula_splits(data)
    scenes, cuts = [], []
    for table in sorted(folder.glob("*/crops.csv")):
        name = next((s.name for s in labels.SOURCES if table.parent.name.startswith(s.name)), None)
        if name is None:
            continue
        objects = {}
        for row in _rows(table):
            objects.setdefault(row["field"], []).append(row)
        for row in _rows(table.parent / "fields.csv"):
            field = row["field"]
            stem = Path(field).stem
            part = splits[stem][0] if name == "chula" else labels.hashed_part(field)
            working = cv2.cvtColor(cv2.imread(str(table.parent / "fields" / f"{field}.png")), cv2.COLOR_BGR2RGB)
            mine = objects.get(field, [])
            label_map = cv2.imread(str(table.parent / "labels" / f"{field}.png"), cv2.IMREAD_UNCHANGED)
            ratio = float(row["um_per_px"]) / UM_PER_PX
            size = (round(working.shape[1] * ratio), round(working.shape[0] * ratio))
            rgb = cv2.resize(working, size, interpolation=cv2.INTER_AREA)
            scale = float(row["original_px_per_px"]) / ratio
            if name == "chula":
                if not splits[stem][2]:
                    continue
                boxes, ignored = _from_points(labels.chula_points(data, stem), mine, label_map, scale * ratio, size)
                kinds = np.zeros(len(boxes), int)
            else:
                found = labels.boxes(data, labels.source_named(name), field)
                boxes = np.array([[b.x_min, b.y_min, b.x_max, b.y_max] for b in found], np.float32).reshape(-1, 4)
                kinds = np.array([KINDS.index(b.kind) for b in found], int)
                ignored = _outside_boxes(boxes / (scale * ratio), mine, label_map, scale * ratio, size)
            boxes = boxes / scale
            keep = (boxes[:, 2:] - boxes[:, :2]).min(1, initial=99) >= 2
            scenes.append(Scene(name, field, part, rgb, boxes[keep].astype(np.float32), kinds[keep], ignored))
            if part == "train":
                cuts += _cuts(working, label_map, mine, ratio, scale * ratio)
    return scenes, cuts


def _solidity(mask):
    outline = max(cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0], key=len)
    hull = cv2.contourArea(cv2.convexHull(outline))
    return cv2.contourArea(outline) / hull if hull > 0 else 0.0


def _window(label_map, row, px_per_px, margin=0):
    x0, y0 = (max(int(float(row[k]) / px_per_px) - margin, 0) for k in ("x_min", "y_min"))
    x1, y1 = (int(np.ceil(float(row[k]) / px_per_px)) + margin for k in ("x_max", "y_max"))
    return slice(y0, min(y1, label_map.shape[0])), slice(x0, min(x1, label_map.shape[1]))


def _from_points(points, rows, label_map, px_per_px, size):
    """Boxes (original pixels) of the outlines that are one cell, and where nothing is known."""
    held = {}
    for x, y, _ in points:
        row = min(int(y / px_per_px), label_map.shape[0] - 1)
        column = min(int(x / px_per_px), label_map.shape[1] - 1)
        label = int(label_map[row, column])
        held[label] = held.get(label, 0) + 1
    nominal = np.pi / 4 * (CELL_PX * UM_PER_PX / 0.1875) ** 2
    boxes, unknown = [], np.zeros(label_map.shape, np.uint8)
    for row in rows:
        label = int(row["label"])
        window = _window(label_map, row, px_per_px)
        mask = (label_map[window] == label).astype(np.uint8)
        share = mask.sum() / nominal
        single = row["kind"] in RED_KINDS and (
            held.get(label) == 1
            or (
                label not in held
                and SINGLE_AREA[0] <= share <= SINGLE_AREA[1]
                and _solidity(mask) >= SINGLE_SOLIDITY
            )
        )
        if single:
            boxes.append([float(row[k]) for k in ("x_min", "y_min", "x_max", "y_max")])
        elif row["kind"] not in ("debris", "platelet", "precipitate"):
            unknown[window] |= mask
    for x, y, _ in points:
        center = (int(x / px_per_px), int(y / px_per_px))
        if label_map[min(center[1], label_map.shape[0] - 1), min(center[0], label_map.shape[1] - 1)] == 0:
            cv2.circle(unknown, center, 24, 1, -1)
    ignored = cv2.resize(cv2.dilate(unknown, np.ones((3, 3), np.uint8)), size, interpolation=cv2.INTER_NEAREST)
    return np.array(boxes, np.float32).reshape(-1, 4), ignored > 0


def _outside_boxes(boxes, rows, label_map, px_per_px, size):
    """Pixels of cell-like objects that no box covers; boxes in pixels of the label map."""
    covered = np.zeros(label_map.shape, np.uint8)
    for x0, y0, x1, y1 in boxes:
        covered[int(max(y0, 0)) : int(np.ceil(y1)), int(max(x0, 0)) : int(np.ceil(x1))] = 1
    unknown = np.zeros(label_map.shape, np.uint8)
    for row in rows:
        if row["kind"] in CELL_LIKE_KINDS:
            window = _window(label_map, row, px_per_px)
            unknown[window] |= (label_map[window] == int(row["label"])).astype(np.uint8)
    unknown[covered > 0] = 0
    # What is left of an object at the rim of a loose box is no cell.
    unknown = cv2.morphologyEx(unknown, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    return cv2.resize(unknown, size, interpolation=cv2.INTER_NEAREST) > 0


def _cuts(working, label_map, rows, ratio, px_per_px):
    """Single whole cells of a field at the detector's scale."""
    found = []
    for row in rows:
        if row["kind"] != "red_cell":
            continue
        label = int(row["label"])
        window = _window(label_map, row, px_per_px, 3)
        mask = (label_map[window] == label).astype(np.uint8)
        near = cv2.dilate(mask, np.ones((5, 5), np.uint8))
        others = (near > 0) & (label_map[window] != label) & (label_map[window] > 0)
        area = mask.sum()
        if area < 120 or others.any() or _solidity(mask) < 0.85 or area > 2000:
            continue
        soft = np.clip(1 - cv2.distanceTransform(1 - mask, cv2.DIST_L2, 3) / CUT_EDGE_PX, 0, 1)
        density = DENSITY[working[window]] * soft[:, :, None]
        size = (max(round(density.shape[1] * ratio), 3), max(round(density.shape[0] * ratio), 3))
        found.append(
            Cut(
                cv2.resize(density, size, interpolation=cv2.INTER_AREA),
                cv2.resize(mask, size, interpolation=cv2.INTER_AREA) > 0,
            )
        )
    return found


@dataclass(frozen=True)
class Strength:
    """How far a tile is changed; lengths in px of the scene, the rest as factors or probabilities."""

    scale: float = 1.3
    pasted: int = 9
    gain_sd: float = 0.25
    channel_gain_sd: float = 0.15
    mix_sd: float = 0.08
    gamma_sd: float = 0.15
    tint_sd: float = 0.02
    gray_probability: float = 0.05
    blur_probability: float = 0.35
    blur_sigma_px: float = 1.0
    noise_sd: float = 6.0
    jpeg_probability: float = 0.3


class Tiles:
    """Seeded random tiles."""

    def __init__(self, scenes, cuts, seed, strength=None):
        self.scenes, self.cuts = scenes, cuts
        self.random = np.random.default_rng(seed)
        self.strength = strength or Strength()

    def draw(self):
        """uint8 tile, boxes, kinds, ignored."""
        random, strength = self.random, self.strength
        scene = self.scenes[random.integers(len(self.scenes))]
        zoom = np.exp(random.uniform(-1, 1) * np.log(strength.scale))
        turn, flip = random.integers(4), random.random() < 0.5
        height, width = scene.rgb.shape[:2]
        side = TILE_PX / zoom
        # A tile may reach beyond the frame: there it is background, as the program pads a field.
        x0 = random.uniform(min(-8, width - side), max(width - side, -8) + 16)
        y0 = random.uniform(min(-8, height - side), max(height - side, -8) + 16)
        matrix = np.array([[zoom, 0, -x0 * zoom], [0, zoom, -y0 * zoom]], np.float32)
        tile = cv2.warpAffine(
            scene.rgb, matrix, (TILE_PX, TILE_PX), flags=cv2.INTER_LINEAR, borderValue=(BACKGROUND,) * 3
        )
        ignored = (
            cv2.warpAffine(scene.ignored.astype(np.uint8), matrix, (TILE_PX, TILE_PX), flags=cv2.INTER_NEAREST) > 0
        )
        boxes = scene.boxes * zoom - np.array([x0, y0, x0, y0], np.float32) * zoom
        kinds = scene.kinds.copy()
        # Where the tile cuts a box, what is seen of it is the object.
        center = (boxes[:, :2] + boxes[:, 2:]) / 2
        clipped = boxes.clip(0, TILE_PX)
        seen = np.prod((clipped[:, 2:] - clipped[:, :2]).clip(0), 1) / np.maximum(
            np.prod(boxes[:, 2:] - boxes[:, :2], 1), 1
        )
        inside = ((center > 0) & (center < TILE_PX)).all(1) | (seen > 0.25)
        boxes, kinds = clipped[inside], kinds[inside]
        tile = np.rot90(tile, turn)
        ignored = np.rot90(ignored, turn)
        for _ in range(turn):
            boxes = np.stack([boxes[:, 1], TILE_PX - boxes[:, 2], boxes[:, 3], TILE_PX - boxes[:, 0]], 1)
        if flip:
            tile, ignored = tile[:, ::-1], ignored[:, ::-1]
            boxes = np.stack([TILE_PX - boxes[:, 2], boxes[:, 1], TILE_PX - boxes[:, 0], boxes[:, 3]], 1)
        density = DENSITY[np.ascontiguousarray(tile)]
        density, boxes, kinds = self._paste(density, boxes, kinds)
        return self._photograph(self._stain(density)), boxes, kinds, np.ascontiguousarray(ignored)

    def _paste(self, density, boxes, kinds):
        """Cells of other scenes over and beside those of the tile, in the stain of the tile."""
        random = self.random
        red = boxes[kinds == 0]
        extra = []
        # The typical density of the tile's own cells, so that a pasted cell is no stranger by its stain.
        own = density[density[:, :, 1] > 0.12]
        typical = np.median(own, 0) if len(own) > 200 else None
        for _ in range(random.integers(self.strength.pasted + 1)):
            cut = self.cuts[random.integers(len(self.cuts))]
            patch, mask = cut.density, cut.mask
            turn = random.integers(4)
            patch, mask = np.rot90(patch, turn), np.rot90(mask, turn)
            if not mask.any():
                continue
            h, w = mask.shape
            if len(red) and random.random() < 0.75:
                box = red[random.integers(len(red))]
                middle = (box[:2] + box[2:]) / 2
                reach = ((box[2:] - box[:2]).mean() + (h + w) / 2) / 2 * random.uniform(0.5, 1.05)
                angle = random.uniform(0, 2 * np.pi)
                x, y = middle + reach * np.array([np.cos(angle), np.sin(angle)])
            else:
                x, y = random.uniform(0, TILE_PX, 2)
            left, top = int(x - w / 2), int(y - h / 2)
            cut_left, cut_top = max(0, -left), max(0, -top)
            right, bottom = min(w, TILE_PX - left), min(h, TILE_PX - top)
            if right - cut_left < 4 or bottom - cut_top < 4:
                continue
            patch, mask = patch[cut_top:bottom, cut_left:right], mask[cut_top:bottom, cut_left:right]
            if mask.sum() < 12:
                continue
            if typical is not None:
                patch = patch * (typical / np.maximum(np.median(patch[mask], 0), 0.02)).clip(0.3, 3)
            left, top = left + cut_left, top + cut_top
            density[top : top + patch.shape[0], left : left + patch.shape[1]] += patch
            ys, xs = np.nonzero(mask)
            extra.append([left + xs.min(), top + ys.min(), left + xs.max() + 1, top + ys.max() + 1])
        if extra:
            boxes = np.concatenate([boxes, np.array(extra, np.float32)])
            kinds = np.concatenate([kinds, np.zeros(len(extra), int)])
        return density, boxes, kinds

    def _stain(self, density):
        random, strength = self.random, self.strength
        gain = np.exp(random.normal(0, strength.gain_sd) + random.normal(0, strength.channel_gain_sd, 3))
        mix = np.eye(3) + random.normal(0, strength.mix_sd, (3, 3))
        density = (density @ (mix * gain).astype(np.float32).T).astype(np.float32)
        gamma = np.exp(random.normal(0, strength.gamma_sd))
        density = np.sign(density) * (np.abs(density) / 0.4) ** gamma * 0.4
        if random.random() < strength.gray_probability:
            density = np.repeat(density.mean(2, keepdims=True), 3, 2)
        return density

    def _photograph(self, density):
        random, strength = self.random, self.strength
        values = BACKGROUND * np.exp(-density.clip(-0.3, 4)) * (1 + random.normal(0, strength.tint_sd, 3))
        values = values.astype(np.float32)
        if random.random() < strength.blur_probability:
            values = cv2.GaussianBlur(values, (0, 0), random.uniform(0.3, strength.blur_sigma_px))
        values += random.normal(0, random.uniform(0, strength.noise_sd), values.shape).astype(np.float32)
        tile = values.clip(0, 255).astype(np.uint8)
        if random.random() < strength.jpeg_probability:
            coded = cv2.imencode(".jpg", tile[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(random.uniform(40, 92))])[1]
            tile = cv2.imdecode(coded, cv2.IMREAD_COLOR)[:, :, ::-1]
        return tile
