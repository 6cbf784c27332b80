// The cells of the page: what is known of each, and how its tile shows it.
//
// A tile shows what the program has written to disk. A reading on its way there is shown as on its way, and one that did not
// arrive as not saved.

const main = document.querySelector("main[data-case]");

export const page = {
  main,
  base: `/case/${main.dataset.case}`,
  series: main.dataset.series,
  isBlind: main.dataset.series === "second",
  isSigned: main.hasAttribute("data-signed"),
};

// What the buttons call each reading.
const names = new Map();
for (const button of document.querySelectorAll("button[data-read]")) {
  names.set(nameOf(readingOf(button)), { letter: button.dataset.letter, words: button.dataset.words });
}

function nameOf(reading) {
  return [reading.read_as, reading.form || "", reading.class || ""].join("/");
}

// The reading that an element carries.
export function readingOf(element) {
  const { read, form, class: name } = element.dataset;
  if (!read) return null;
  return { read_as: read, ...(form && { form }), ...(name && { class: name }) };
}

export function describe(reading) {
  if (!reading) return { letter: "·", words: "Unread" };
  return names.get(nameOf(reading)) || { letter: "?", words: reading.read_as };
}

// What the program has answered last of each cell: reading and number of its last event.
const known = new Map();
// Readings on their way or not saved, by cell.
const open = new Map();

export function seen(key) {
  return known.get(key)?.seen ?? 0;
}

export function saved(key) {
  return known.get(key)?.reading ?? null;
}

// Whether nothing has been said of a cell.
export function isUnread(key) {
  return !saved(key) && !open.has(key);
}

export function openJob(key) {
  return open.get(key);
}

export function setOpen(key, job) {
  if (job) open.set(key, job);
  else open.delete(key);
  const tile = find(key);
  if (tile) paint(tile);
}

export function find(key) {
  return document.getElementById(`cell-${key}`);
}

// Tiles in the order of the page.
export function tiles() {
  return [...document.querySelectorAll(".group:not([hidden]) .tile")];
}

// Takes what a field says of a cell that the page does not show, unless more is known of it.
export function learn(cell) {
  const before = known.get(cell.key);
  if (before && before.seen >= cell.seen) return;
  known.set(cell.key, { seen: cell.seen, reading: cell.reading, by: cell.by, reason: cell.reason });
}

export function about(key) {
  return known.get(key);
}

// Takes what the program says of a cell now, and shows it.
export function show(cell) {
  const reading = cell.reading || null;
  known.set(cell.key, { seen: cell.seen, reading, by: cell.by, reason: cell.reason });
  const isExtra = !["called", "near"].includes(cell.group) && !page.isBlind;
  if (isExtra && !reading) return remove(cell.key);
  const tile = find(cell.key) || build(cell);
  if (!tile) return;
  if (cell.group) tile.dataset.group = cell.group;
  carry(tile, reading);
  tile.querySelector(".by").textContent = cell.by ? `Read by ${cell.by}` : "";
  if (isExtra) tile.querySelector(".called").textContent = called(cell);
  paint(tile);
}

export function remove(key) {
  known.delete(key);
  const tile = find(key);
  if (!tile) return;
  const list = tile.parentElement;
  tile.remove();
  recount(list);
}

function carry(tile, reading) {
  for (const [name, value] of [["read", reading?.read_as], ["form", reading?.form], ["class", reading?.class]]) {
    if (value) tile.dataset[name] = value;
    else delete tile.dataset[name];
  }
}

// What the program says of a cell, in words.
export function called(cell) {
  if (cell.excluded) return `Left out: ${cell.excluded}`;
  if (cell.called && cell.probability !== null) {
    const isSchistocyte = cell.called === "schistocyte";
    const reading = isSchistocyte ? { read_as: "schistocyte" } : { read_as: "other", class: cell.called };
    return `${describe(reading).words} ${cell.probability.toFixed(2)}`;
  }
  return cell.group === "added" ? "Added by a reader" : "";
}

export function place(cell) {
  return `Field ${Number(cell.field) + 1}, cell ${cell.key.match(/\d+$/)[0]}`;
}

// A tile for a cell that comes to the page while it is open.
function build(cell) {
  const list = document.querySelector(page.isBlind ? "#blind .tiles" : "#further .tiles");
  if (!list) return null;
  const tile = document.getElementById("tile").content.firstElementChild.cloneNode(true);
  tile.id = `cell-${cell.key}`;
  Object.assign(tile.dataset, { key: cell.key, field: cell.field, x: cell.x_px, y: cell.y_px, r: cell.radius_px });
  tile.querySelector("img").src = cell.tile;
  tile.querySelector(".where").textContent = place(cell);
  tile.querySelector(".where").title = cell.field_name;
  list.append(tile);
  recount(list);
  return tile;
}

function recount(list) {
  const section = list.closest(".group");
  section.hidden = list.children.length === 0;
  section.querySelector(".count").textContent = list.children.length;
}

// How a cell stands: unread, read, saving, failed.
export function standing(key) {
  const job = open.get(key);
  if (job) return job.state;
  return saved(key) ? "read" : "unread";
}

// Letter and words of a cell as it stands.
export function spoken(key) {
  const job = open.get(key);
  const { letter, words } = describe(job ? job.reading : saved(key));
  if (!job) return { letter, words };
  return job.state === "failed" ? { letter: "!", words: `NOT saved: ${words}` } : { letter: "…", words: `Saving: ${words}` };
}

function paint(tile) {
  const { letter, words } = spoken(tile.dataset.key);
  tile.querySelector(".letter").textContent = letter;
  tile.querySelector(".words").textContent = words;
  tile.dataset.standing = standing(tile.dataset.key);
}

for (const tile of document.querySelectorAll(".tile")) {
  const by = tile.querySelector(".by").textContent.replace(/^Read by /, "");
  known.set(tile.dataset.key, { seen: Number(tile.dataset.seen), reading: readingOf(tile), by });
}
