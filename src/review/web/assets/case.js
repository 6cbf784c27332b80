// Reading the cells of a case: the current cell, its panel, and the keys. Works without a mouse, and without a keyboard.

import { find, isUnread, page, readingOf, spoken, standing, tiles } from "./cells.js";
import { again, announce, decide, onChange, refresh, undo } from "./decisions.js";
import { openField } from "./field.js";
import { openNames } from "./names.js";
import { field, outline, photograph } from "./picture.js";
import { post } from "./server.js";

// Half of the width of the enlarged picture, radii of the cell.
const SURROUNDINGS = 6;
// How often the page says that it is open, ms.
const HERE_MS = 30000;

const panel = document.querySelector(".panel");
let current = null;

// Makes a tile the current one.
function choose(tile) {
  if (!tile) return;
  if (current && current !== tile) {
    current.tabIndex = -1;
    current.setAttribute("aria-selected", "false");
  }
  current = tile;
  tile.tabIndex = 0;
  tile.setAttribute("aria-selected", "true");
  showPanel();
}

function go(tile) {
  if (!tile) return;
  choose(tile);
  tile.focus();
}

function showPanel() {
  if (!current) return;
  const key = current.dataset.key;
  const { letter, words } = spoken(key);
  const source = current.querySelector("img").src;
  const large = panel.querySelector(".large");
  if (large.src !== source) large.src = source;
  panel.querySelector(".letter").textContent = letter;
  panel.querySelector(".words").textContent = words;
  panel.querySelector(".now").dataset.standing = standing(key);
  for (const name of ["called", "where"]) {
    panel.querySelector(`.current .${name}`).textContent = current.querySelector(`.${name}`).textContent;
  }
  const trouble = panel.querySelector(".trouble");
  trouble.hidden = standing(key) !== "failed";
  trouble.querySelector("p").textContent = "This decision is NOT saved.";
  const now = JSON.stringify(readingOf(current));
  for (const button of panel.querySelectorAll("button[data-read]")) {
    button.setAttribute("aria-pressed", String(JSON.stringify(readingOf(button)) === now));
  }
}

function step(by) {
  const all = tiles();
  go(all[Math.min(Math.max(all.indexOf(current) + by, 0), all.length - 1)]);
}

// The tile above (-1) or below (1): the nearest in the next row.
function row(direction) {
  if (!current) return;
  const { left, top } = current.getBoundingClientRect();
  const places = tiles().map((tile) => ({ tile, at: tile.getBoundingClientRect() }));
  const beyond = places.filter(({ at }) => (at.top - top) * direction > 1);
  if (!beyond.length) return;
  const nearest = Math.min(...beyond.map(({ at }) => Math.abs(at.top - top)));
  const inRow = beyond.filter(({ at }) => Math.abs(at.top - top) < nearest + 1);
  inRow.sort((a, b) => Math.abs(a.at.left - left) - Math.abs(b.at.left - left));
  go(inRow[0].tile);
}

// Reads the current cell and goes on to the next unread one.
function read(reading) {
  if (!current) return;
  if (page.isSigned) {
    announce("The case is signed. Open it again to read its cells.");
    return;
  }
  const key = current.dataset.key;
  decide(key, reading);
  const all = tiles();
  const from = all.indexOf(current);
  const next = [...all.slice(from + 1), ...all.slice(0, from)].find((tile) => isUnread(tile.dataset.key));
  go(next || current);
}

function takeBack() {
  const key = undo();
  if (key) go(find(key));
}

const zoom = document.getElementById("zoom");

async function enlarge() {
  if (!current) return;
  const { field: number, x, y, r, key } = current.dataset;
  const picture = zoom.querySelector("svg");
  picture.replaceChildren();
  zoom.querySelector("h2").textContent = `${current.querySelector(".where").textContent}: ${spoken(key).words}`;
  zoom.showModal();
  const half = SURROUNDINGS * Number(r);
  picture.setAttribute("viewBox", `${x - half} ${y - half} ${2 * half} ${2 * half}`);
  const view = await field(Number(number));
  if (!view) {
    zoom.querySelector("h2").textContent = "The picture of the field cannot be read.";
    return;
  }
  const object = view.objects.find((one) => one.key === key) || { x_px: x, y_px: y, radius_px: r };
  picture.replaceChildren(photograph(view), outline(object, { class: "object chosen" }));
}

// What buttons and keys do.
const acts = {
  next: () => step(1),
  previous: () => step(-1),
  other: () => openNames(read),
  zoom: enlarge,
  field: () => current && openField(Number(current.dataset.field), current.dataset.key),
  undo: takeBack,
  again,
  help: () => document.getElementById("help").showModal(),
};

const KEYS = {
  ArrowRight: acts.next, j: acts.next, ArrowLeft: acts.previous, k: acts.previous,
  ArrowDown: () => row(1), ArrowUp: () => row(-1), Home: () => go(tiles()[0]), End: () => go(tiles().at(-1)),
  o: acts.other, z: acts.zoom, f: acts.field, r: acts.again, Backspace: acts.undo, "?": acts.help,
};

document.addEventListener("keydown", (event) => {
  const target = event.target;
  if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return;
  // Elsewhere on the page a letter is a letter.
  if (target !== document.body && !target.closest(".cells, .panel")) return;
  const withControl = event.ctrlKey || event.metaKey;
  if (withControl && event.key.toLowerCase() === "z" && !event.altKey) {
    event.preventDefault();
    takeBack();
    return;
  }
  if (withControl || event.altKey) return;
  if (event.key === "Enter" && target.closest(".tile")) {
    event.preventDefault();
    enlarge();
    return;
  }
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const button = panel.querySelector(`button[data-read][data-key="${CSS.escape(key)}"]`);
  const act = button ? () => read(readingOf(button)) : KEYS[key];
  if (!act) return;
  event.preventDefault();
  act();
});

document.addEventListener("click", (event) => {
  const tile = event.target.closest(".tile");
  if (tile) go(tile);
  const button = event.target.closest("button");
  if (!button) return;
  if (button.hasAttribute("data-close")) button.closest("dialog").close();
  if (button.dataset.openField) openField(Number(button.dataset.openField), null);
  if (!button.closest(".panel")) return;
  if (button.dataset.read) read(readingOf(button));
  else acts[button.dataset.do]?.();
});

document.addEventListener("dblclick", (event) => {
  if (event.target.closest(".tile")) enlarge();
});

// A reader who closes what lay over the cells is back at the current one.
for (const dialog of document.querySelectorAll("dialog:not(.field)")) {
  dialog.addEventListener("close", () => {
    if (document.activeElement === document.body) current?.focus();
  });
}

document.addEventListener("focusin", (event) => {
  const tile = event.target.closest?.(".tile");
  if (tile) choose(tile);
});

onChange(() => {
  if (!current?.isConnected) current = null;
  if (!current) choose(tiles()[0]);
  panel.hidden = !current;
  showPanel();
  const own = document.querySelector("[data-figure=own]");
  if (!own) return;
  const all = tiles();
  own.textContent = `${all.filter((tile) => standing(tile.dataset.key) === "read").length} of ${all.length}`;
});

// What sticks below the head must know how high it is: names and words wrap.
const head = document.querySelector(".head");
new ResizeObserver(() => document.documentElement.style.setProperty("--head-height", `${head.offsetHeight}px`)).observe(head);

// On a phone the panel lies over the end of the page: it makes room where the page goes on below the cells.
const columns = document.querySelector(".columns");
const toggle = () => panel.classList.toggle("away", columns.getBoundingClientRect().bottom < innerHeight * 0.6);
addEventListener("scroll", toggle, { passive: true });

async function here() {
  const { status, answer } = await post(`${page.base}/here`, {});
  const line = document.querySelector(".others");
  if (status !== 200 || !line) return;
  const others = answer.others || [];
  const text = others.length ? `Also open: ${others.join(", ")}` : "";
  if (line.textContent !== text) line.textContent = text;
  if (others.length) refresh();
}

if (page.isSigned) panel.querySelectorAll("button[data-read], [data-do=other], [data-do=undo]").forEach((button) => { button.disabled = true; });
const all = tiles();
choose(all.find((tile) => isUnread(tile.dataset.key)) || all[0]);
panel.hidden = !all.length;
if (!page.isSigned) {
  here();
  setInterval(here, HERE_MS);
}
