// Decisions on their way to the disk: one after another, in the order in which they were made.
//
// Each starts from what the page has seen of its cell. Where somebody else was faster the program says so, the tile shows what
// the cell is now, and the reader's own reading stays at hand. What did not arrive stays marked until it is tried again.

import { describe, find, learn, openJob, page, remove, saved, seen, setOpen, show } from "./cells.js";
import { get, post } from "./server.js";

// Decisions of this page, for undoing them.
const log = [];
// Decisions that the program has not answered, and those that failed.
const waiting = new Set();
let line = Promise.resolve();
const listeners = [];

// Calls back whenever a decision begins, is saved or fails.
export function onChange(listener) {
  listeners.push(listener);
}

function changed() {
  listeners.forEach((listener) => listener());
  const failed = count("failed");
  const saving = count("saving");
  const note = document.querySelector(".signing .waiting");
  const words = [saving && `${saving} being saved`, failed && `${failed} not saved`].filter(Boolean).join(", ");
  if (note) note.textContent = words && `Decisions: ${words}. Sign when all are saved.`;
  tellFailed(failed);
}

function count(state) {
  return [...waiting].filter((job) => job.state === state).length;
}

export function announce(text) {
  document.getElementById("live").textContent = text;
}

// A message that stays until it is closed. `actions` are pairs of words and what they do.
export function warn(text, id, actions = []) {
  const alerts = document.getElementById("alerts");
  if (id) document.getElementById(id)?.remove();
  const note = document.createElement("div");
  note.className = "alert";
  if (id) note.id = id;
  const words = document.createElement("p");
  words.textContent = text;
  note.append(words);
  for (const [label, act] of [...actions, ["Close", () => {}]]) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.addEventListener("click", () => {
      note.remove();
      act();
    });
    note.append(button);
  }
  alerts.append(note);
  // A modal dialog hides what lies under it from everybody.
  const said = document.querySelector("dialog[open] .said");
  if (said) said.textContent = text;
}

let told = 0;

function tellFailed(failed) {
  if (failed === told) return;
  told = failed;
  document.getElementById("not-saved")?.remove();
  if (!failed) return;
  const [job] = [...waiting].filter((one) => one.state === "failed");
  const text = `${failed === 1 ? "1 decision is" : `${failed} decisions are`} NOT saved. ${job.error}`;
  warn(text, "not-saved", [["Try again", again], ["Drop", drop]]);
}

// Reads a cell; a reading of null takes its reading back. Resolves to what became of it.
export function decide(key, reading, reason) {
  return enter({ kind: "read", key, reading, reason });
}

// Adds a missed cell.
export function add(field, x_px, y_px, reading, reason) {
  return enter({ kind: "add", key: null, reading, reason, place: { field, x_px, y_px } });
}

function enter(job) {
  if (page.isSigned) {
    announce("The case is signed. Open it again to read its cells.");
    return Promise.resolve({ ok: false, error: "The case is signed. Open it again to read its cells." });
  }
  const before = job.key && openJob(job.key);
  if (before?.state === "failed") forget(before);
  log.push(job);
  return send(job);
}

function send(job) {
  job.state = "saving";
  waiting.add(job);
  if (job.key) setOpen(job.key, job);
  changed();
  const done = line.then(() => run(job));
  line = done.catch(() => {});
  return done;
}

async function run(job) {
  if (job.undoes) {
    const first = job.undoes;
    if (first.state !== "saved") return settle(job, "dropped");
    job.key = first.key;
    job.reading = first.before;
  }
  job.before = job.kind === "add" ? null : saved(job.key);
  const { status, answer } = await post(`${page.base}/${verb(job)}`, body(job));
  if (status === 200) return taken(job, answer);
  if (status === 409) return refusedByOther(job, answer);
  job.error = answer.error || `The program answered with ${status}.`;
  job.state = "failed";
  if (job.kind === "add") {
    // The form that asked still holds it.
    waiting.delete(job);
    log.splice(log.indexOf(job), 1);
  } else {
    mark(job);
  }
  changed();
  announce(`Not saved. ${job.error}`);
  return { ok: false, error: job.error };
}

function verb(job) {
  if (job.kind === "add") return "add";
  return job.reading ? "read" : "take-back";
}

function body(job) {
  const { key, reading, reason } = job;
  if (job.kind === "add") return { ...job.place, reading, reason };
  const step = { series: page.series, key, seen: seen(key) };
  return reading ? { ...step, reading, ...(reason && { reason }) } : step;
}

// A later decision about the same cell is what its tile shows.
function mark(job) {
  const shown = openJob(job.key);
  if (job.state === "saving" || job.state === "failed") {
    if (!shown || shown === job) setOpen(job.key, job);
  } else if (shown === job) {
    setOpen(job.key, null);
  }
}

function settle(job, state) {
  job.state = state;
  waiting.delete(job);
  if (job.key) mark(job);
  changed();
  return { ok: state === "saved" };
}

function taken(job, answer) {
  if (job.kind === "add" && answer.cell) job.key = answer.cell.key;
  follow(answer, job.key);
  const result = settle(job, "saved");
  const words = job.reading ? describe(job.reading).words : "the cell is unread again";
  const figures = answer.figures;
  announce(`Saved: ${words}. ${figures ? `${percentWords(figures.percent)}, ${figures.state_words}. ${figures.outlook}` : ""}`);
  return { ...result, cell: answer.cell };
}

function refusedByOther(job, answer) {
  follow(answer, job.key);
  settle(job, "conflict");
  const index = log.indexOf(job);
  if (index >= 0) log.splice(index, 1);
  const own = job.reading ? describe(job.reading).words : "unread";
  const text = `${answer.error || "Somebody else has read this cell."} Your reading: ${own}.`;
  const key = job.key;
  const actions = [["Go to the cell", () => find(key)?.focus()]];
  if (job.reading) actions.push([`Read it as: ${own}`, () => decide(key, job.reading, job.reason)]);
  warn(text, `conflict-${key}`, actions);
  return { ok: false, error: text };
}

// Shows what an answer says.
function follow(answer, key) {
  if (answer.cell) show(answer.cell);
  else if (key && answer.figures !== undefined && String(key).startsWith("a")) remove(key);
  if (Number.isFinite(answer.events)) sawEvents(answer.events);
  if (answer.figures) showFigures(answer.figures);
}

function sawEvents(events) {
  page.main.dataset.events = events;
  const field = document.querySelector(".signing input[name=seen]");
  if (field) field.value = events;
}

const two = new Intl.NumberFormat("en", {
  minimumFractionDigits: 2, maximumFractionDigits: 2, useGrouping: false, roundingMode: "halfEven",
});

function percentWords(percent) {
  return percent === null ? "no percentage" : `${two.format(percent)} %`;
}

function showFigures(figures) {
  const words = {
    ...figures,
    percent: percentWords(figures.percent),
    interval: figures.low === null ? "" : `${two.format(figures.low)}–${two.format(figures.high)} %`,
  };
  for (const element of document.querySelectorAll("[data-figure]")) {
    const text = words[element.dataset.figure];
    if (text !== undefined && element.textContent !== String(text)) element.textContent = text;
  }
  document.querySelector(".figures .state").dataset.state = figures.state;
  const unread = document.querySelector(".choice.unread");
  if (!unread) return;
  unread.hidden = figures.unread === 0;
  unread.querySelector("input").required = figures.unread > 0;
}

// Takes back the last decision of this page. Returns the key of its cell.
export function undo() {
  const last = log.pop();
  if (!last) {
    announce("There is nothing to undo.");
    return null;
  }
  if (last.state === "failed") {
    forget(last);
    changed();
    announce("The decision that was not saved is dropped.");
    return last.key;
  }
  send({ kind: "read", key: last.key, reading: last.before ?? null, undoes: last });
  return last.key;
}

function forget(job) {
  waiting.delete(job);
  const index = log.indexOf(job);
  if (index >= 0) log.splice(index, 1);
  if (openJob(job.key) === job) setOpen(job.key, null);
}

// Tries again what was not saved.
export function again() {
  [...waiting].filter((job) => job.state === "failed").forEach(send);
}

function drop() {
  [...waiting].filter((job) => job.state === "failed").forEach(forget);
  changed();
}

// Takes what others have read in the meantime. Decisions on their way keep their place.
export async function refresh() {
  if (waiting.size) return;
  const { status, answer } = await get(`${page.base}/cells.json?series=${page.series}`);
  if (status !== 200 || waiting.size || answer.events === Number(page.main.dataset.events)) return;
  for (const cell of answer.cells) {
    if (cell.seen !== seen(cell.key)) show(cell);
    else learn(cell);
  }
  sawEvents(answer.events);
  if (answer.figures) showFigures(answer.figures);
  changed();
}

window.addEventListener("beforeunload", (event) => {
  if (waiting.size) event.preventDefault();
});

document.querySelector(".signing")?.addEventListener("submit", (event) => {
  if (!waiting.size) return;
  event.preventDefault();
  changed();
});
