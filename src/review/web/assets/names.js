// The list of names: the form of a schistocyte, or the class of another red cell.

import { readingOf } from "./cells.js";

const naming = document.getElementById("naming");
let nameFor = () => {};

// Opens the list of names; what is chosen goes to `then`.
export function openNames(then) {
  nameFor = then;
  naming.showModal();
  naming.querySelector("button[data-read]").focus();
}

naming.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const buttons = [...naming.querySelectorAll("button")];
  const at = buttons.indexOf(document.activeElement);
  const named = buttons.find((button) => button.dataset.key === event.key.toLowerCase());
  const by = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (!named && !by) return;
  event.preventDefault();
  event.stopPropagation();
  if (named) named.click();
  else buttons[(at + by + buttons.length) % buttons.length].focus();
});

naming.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-read]");
  if (!button) return;
  naming.close();
  nameFor(readingOf(button));
});
