// The field: its photograph under the outlines of its objects, nearer and farther, by mouse, touch and keys.
//
// Every object can be chosen and read here. One that the program left out counts with a reason, and so does a cell that the
// program missed: a cross marks its middle.

import { about, called, find, openJob, page, place, readingOf, saved, spoken, standing } from "./cells.js";
import { add, again, decide, onChange, undo } from "./decisions.js";
import { openNames } from "./names.js";
import { field, outline, photograph, shape } from "./picture.js";
import { panAndZoom } from "./view.js";

// Order in which Tab meets the objects: what is read most often comes first.
const ORDER = ["called", "near", "added", "included", "excluded", "counted"];
// A step of the cross, pixels of the screen; with Shift it is the finer one.
const CROSS_STEP = 12;
const FINE_STEP = 2;
// Room between a cell and the ring around it, px of the screen: a letter has its place there.
const RING_PX = 24;
// Half of what is shown around a cell that the field opens at, radii of the cell.
const ARRIVE_RADII = 9;

const dialog = document.getElementById("field");
const svg = dialog.querySelector(".canvas");
const side = dialog.querySelector(".side");
const why = side.querySelector(".why");
const reads = side.querySelector(".reads");
const adds = dialog.hasAttribute("data-adds") && !page.isSigned;
const camera = panAndZoom(svg);
const count = document.querySelectorAll("[data-open-field]").length;

let view = null;
let chosen = null;
let cross = null;
let asked = null;
const drawn = new Map();

// Opens a field, at a cell where one is given.
export async function openField(number, key) {
  if (!dialog.open) dialog.showModal();
  leaveCross();
  choose(null);
  say("");
  dialog.querySelector("h2").textContent = `Field ${number + 1}`;
  dialog.querySelector(".verdict").textContent = "";
  svg.replaceChildren();
  const got = await field(number);
  if (!got) {
    view = null;
    say("The field cannot be shown: the program does not answer, or the picture cannot be read.");
    return;
  }
  view = got;
  draw();
  const object = key && view.objects.find((one) => one.key === key);
  if (object) {
    camera.center(object.x_px, object.y_px, ARRIVE_RADII * object.radius_px);
    choose(object);
    drawn.get(key).line.focus();
  }
}

function kind(object) {
  if (page.isBlind) return find(object.key) ? "near" : "counted";
  if (object.group === "added") return "added";
  if (object.excluded) return saved(object.key) ? "included" : "excluded";
  return object.group === "called" || object.group === "near" ? object.group : "counted";
}

function draw() {
  dialog.querySelector("h2").textContent = `Field ${view.field + 1}: ${view.name}`;
  dialog.querySelector(".verdict").textContent = page.isBlind || view.accepted ? "" : "Refused: none of its cells is counted";
  camera.whole(view.width_px, view.height_px);
  drawn.clear();
  const sorted = [...view.objects].sort((a, b) => ORDER.indexOf(kind(a)) - ORDER.indexOf(kind(b)));
  svg.replaceChildren(photograph(view));
  sorted.forEach(drawObject);
}

function drawObject(object) {
  const halo = outline(object, { class: "halo" });
  const line = outline(object, { role: "button", tabindex: "0", "data-key": object.key });
  // Above the cell, so that nothing of it is hidden.
  const top = Math.min(...(object.points || []).map(([, y]) => y), object.y_px - object.radius_px);
  const letter = shape("text", { class: "read", x: object.x_px, y: top });
  drawn.set(object.key, { object, halo, line, letter });
  svg.append(halo, line, letter);
  paint(object.key);
}

function paint(key) {
  const { object, halo, line, letter } = drawn.get(key);
  const { letter: short, words } = spoken(key);
  const isRead = saved(key) || openJob(key);
  const name = kind(object);
  line.setAttribute("class", `object ${name}${object === chosen ? " chosen" : ""}`);
  halo.setAttribute("class", name === "counted" ? "halo none" : "halo");
  line.setAttribute("aria-label", `${isRead || canRead(object) ? `${words}. ` : ""}${called(object)} ${place(object)}`);
  line.setAttribute("aria-pressed", String(object === chosen));
  letter.textContent = isRead ? short : "";
}

function canRead(object) {
  if (page.isBlind) return Boolean(find(object.key));
  return view.accepted && (!object.excluded || object.can_include || Boolean(saved(object.key)));
}

// A ring around the chosen object; nothing lies over the cell itself.
function ring(object) {
  svg.querySelectorAll(".ring").forEach((one) => one.remove());
  if (!object) return;
  const reach = Math.max(...(object.points || []).map(([x, y]) => Math.hypot(x - object.x_px, y - object.y_px)), object.radius_px);
  const place = { class: "ring", cx: object.x_px, cy: object.y_px, r: reach + RING_PX * camera.unit() };
  svg.append(shape("circle", place), shape("circle", place));
}

function choose(object) {
  const before = chosen;
  ring(object);
  chosen = object;
  if (before !== object) closeWhy();
  for (const one of [before, object]) if (one && drawn.has(one.key)) paint(one.key);
  showSide();
}

function showSide() {
  const hint = side.querySelector(".hint");
  const words = chosen ? spoken(chosen.key) : { letter: "", words: "" };
  side.querySelector(".now .letter").textContent = chosen ? words.letter : "";
  side.querySelector(".now .words").textContent = chosen ? words.words : "";
  side.querySelector(".now").dataset.standing = chosen ? standing(chosen.key) : "";
  side.querySelector(".called").textContent = chosen ? `${place(chosen)}. ${called(chosen)}` : "";
  const known = chosen && about(chosen.key);
  const by = known?.by ? `Read by ${known.by}.` : "";
  side.querySelector(".by").textContent = known?.reason ? `${by} Reason: ${known.reason}` : by;
  const reading = chosen ? JSON.stringify(saved(chosen.key)) : "";
  for (const button of reads.querySelectorAll("button[data-read]")) {
    button.setAttribute("aria-pressed", String(JSON.stringify(readingOf(button)) === reading));
  }
  const canBe = Boolean(cross || (chosen && canRead(chosen))) && !page.isSigned;
  reads.hidden = !canBe || !why.hidden;
  if (cross) hint.textContent = "Move the cross to the middle of the cell, by a click or with the arrows, then say what it is.";
  else if (chosen && !canRead(chosen)) hint.textContent = "This object cannot be read.";
  else hint.textContent = chosen ? "" : "Choose an object: click it, or press Tab.";
}

function say(text) {
  side.querySelector(".said").textContent = text;
}

// Takes a reading of the chosen object, or of the cell under the cross.
function read(reading) {
  if (reads.hidden) return;
  const isLeftOut = !cross && chosen.excluded && !saved(chosen.key);
  if (cross || isLeftOut) {
    askWhy(reading);
    return;
  }
  decide(chosen.key, reading).then(tell);
}

function tell({ ok, error }) {
  say(ok ? "Saved." : error || "Not saved.");
}

function askWhy(reading) {
  const words = [...dialog.querySelectorAll("button[data-read]"), ...document.querySelectorAll("#naming button[data-read]")]
    .find((button) => JSON.stringify(readingOf(button)) === JSON.stringify(reading))?.dataset.words;
  asked = { reading, key: cross ? null : chosen.key, at: cross && { ...cross } };
  const what = cross ? "The program did not find this cell." : `The program left this cell out: ${chosen.excluded}.`;
  why.querySelector(".asked").textContent = `${what} You read it as: ${words}. Say why it counts.`;
  why.hidden = false;
  showSide();
  why.querySelector("textarea").focus();
}

function closeWhy() {
  asked = null;
  why.hidden = true;
  why.reset();
}

why.addEventListener("submit", async (event) => {
  event.preventDefault();
  const reason = why.querySelector("textarea").value.trim();
  if (!asked || !reason) return;
  const { reading, key, at } = asked;
  const button = why.querySelector("[type=submit]");
  button.disabled = true;
  say("Saving …");
  const result = key ? await decide(key, reading, reason) : await add(view.field, at.x, at.y, reading, reason);
  button.disabled = false;
  tell(result);
  if (!result.ok) return;
  closeWhy();
  if (!key && result.cell) {
    leaveCross();
    view.objects.push(result.cell);
    drawObject(result.cell);
    choose(result.cell);
  }
  showSide();
  drawn.get(chosen?.key)?.line.focus();
});

// Enter sends the reason; Shift and Enter begins a new line.
why.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.target.tagName !== "TEXTAREA") return;
  event.preventDefault();
  why.requestSubmit();
});

function enterCross() {
  if (!adds || !view) return;
  if (!view.accepted) {
    say("The field was refused: none of its cells is counted.");
    return;
  }
  choose(null);
  cross = { ...camera.middle(), mark: shape("path", { class: "cross" }) };
  svg.append(cross.mark);
  moveCross(0, 0);
  dialog.querySelector("[data-do=add]")?.setAttribute("aria-pressed", "true");
  showSide();
  svg.focus();
}

function leaveCross() {
  cross?.mark.remove();
  cross = null;
  closeWhy();
  dialog.querySelector("[data-do=add]")?.setAttribute("aria-pressed", "false");
  showSide();
}

function moveCross(dx, dy) {
  placeCross(cross.x + dx * camera.unit(), cross.y + dy * camera.unit());
}

function placeCross(x, y) {
  cross.x = Math.min(Math.max(x, 0), view.width_px);
  cross.y = Math.min(Math.max(y, 0), view.height_px);
  const arm = view.width_px;
  cross.mark.setAttribute("d", `M${cross.x - arm} ${cross.y}H${cross.x + arm}M${cross.x} ${cross.y - arm}V${cross.y + arm}`);
  camera.keepInView(cross.x, cross.y);
  say(`Cross at ${Math.round(cross.x)}, ${Math.round(cross.y)} px.`);
}

function stepObject(by) {
  const keys = [...drawn.keys()];
  if (!keys.length) return;
  const at = chosen ? keys.indexOf(chosen.key) : -1;
  drawn.get(keys[(at + by + keys.length) % keys.length]).line.focus();
}

function otherField(by) {
  if (!view && !count) return;
  const from = view ? view.field : 0;
  const to = from + by;
  if (to >= 0 && to < Math.max(count, 1)) openField(to, null);
}

const acts = {
  add: () => (cross ? leaveCross() : enterCross()),
  other: () => openNames(read),
  nearer: () => camera.scale(1.4),
  farther: () => camera.scale(1 / 1.4),
  whole: () => view && camera.whole(view.width_px, view.height_px),
  "previous-field": () => otherField(-1),
  "next-field": () => otherField(1),
  "not-now": () => {
    closeWhy();
    showSide();
    (drawn.get(chosen?.key)?.line || svg).focus();
  },
};

const KEYS = {
  "+": acts.nearer, "=": acts.nearer, "-": acts.farther, 0: acts.whole, a: acts.add, o: acts.other, r: again,
  "[": acts["previous-field"], "]": acts["next-field"], j: () => stepObject(1), k: () => stepObject(-1), Backspace: undo,
};
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

dialog.addEventListener("keydown", (event) => {
  if (event.target.closest("textarea") || event.altKey || !view) return;
  const withControl = event.ctrlKey || event.metaKey;
  if (withControl && event.key.toLowerCase() === "z") {
    event.preventDefault();
    undo();
    return;
  }
  if (withControl) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const arrow = ARROWS[key];
  if (arrow) {
    event.preventDefault();
    const step = event.shiftKey ? FINE_STEP : CROSS_STEP;
    if (cross) moveCross(arrow[0] * step, arrow[1] * step);
    else camera.pan(arrow[0] * 5 * CROSS_STEP, arrow[1] * 5 * CROSS_STEP);
    return;
  }
  if (key === "Enter" && event.target.closest("[data-key].object")) {
    event.preventDefault();
    reads.querySelector("button")?.focus();
    return;
  }
  const button = !reads.hidden && reads.querySelector(`button[data-read][data-key="${CSS.escape(key)}"]`);
  const act = button ? () => read(readingOf(button)) : KEYS[key];
  if (!act) return;
  event.preventDefault();
  act();
});

// Escape leaves the question or the cross first, and the field after that.
dialog.addEventListener("cancel", (event) => {
  if (why.hidden && !cross) return;
  event.preventDefault();
  if (why.hidden) leaveCross();
  else acts["not-now"]();
});

dialog.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.read) read(readingOf(button));
  else acts[button.dataset.do]?.();
});

svg.addEventListener("click", (event) => {
  if (camera.wasDragged() || !view) return;
  if (cross) {
    const { x, y } = camera.at(event);
    placeCross(x, y);
    return;
  }
  const line = event.target.closest("[data-key]");
  if (line) line.focus();
  else choose(null);
});

svg.addEventListener("focusin", (event) => {
  const key = event.target.dataset?.key;
  if (!key || cross) return;
  const { object } = drawn.get(key);
  if (object !== chosen) say("");
  choose(object);
  camera.keepInView(object.x_px, object.y_px);
});

onChange(() => {
  if (!dialog.open || !view) return;
  for (const key of [...drawn.keys()]) {
    const { object, halo, line, letter } = drawn.get(key);
    if (object.group === "added" && !about(key)) {
      [halo, line, letter].forEach((part) => part.remove());
      drawn.delete(key);
      view.objects.splice(view.objects.indexOf(object), 1);
      if (chosen === object) choose(null);
    } else if (letter.textContent || saved(key) || openJob(key)) {
      paint(key);
    }
  }
  showSide();
});

// The page's own cell is current again where it has one.
dialog.addEventListener("close", () => {
  leaveCross();
  const tile = chosen && find(chosen.key);
  if (tile) tile.focus();
});
