"use strict";
// Sorts the specimens by the column whose heading is pressed, and shows those whose row holds every word of the filter.
(() => {
  const table = document.querySelector(".specimens table");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const key = (row, column) => row.cells[column].dataset.sort ?? row.cells[column].textContent.trim();
  const compare = (one, two, column, down) => {
    const [a, b] = [key(one, column), key(two, column)];
    // What is unknown stands last, whichever way the others are sorted.
    if (a === "" || b === "") return (a === "") - (b === "");
    const [x, y] = [Number(a), Number(b)];
    const order = Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b, "en", { numeric: true }) : x - y;
    return down ? -order : order;
  };
  Array.from(table.tHead.rows[0].cells).forEach((heading, column) => {
    const press = heading.querySelector("button");
    press.addEventListener("click", () => {
      const down = heading.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      rows.sort((one, two) => compare(one, two, column, down));
      body.append(...rows);
    });
  });
  const filter = document.getElementById("filter");
  const shown = document.getElementById("shown");
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const apply = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter((word) => word !== "");
    let number = 0;
    for (const row of rows) {
      row.hidden = !words.every((word) => texts.get(row).includes(word));
      number += row.hidden ? 0 : 1;
    }
    shown.textContent = `${number} of ${rows.length} shown`;
  };
  filter.addEventListener("input", apply);
  filter.closest("p").hidden = false;
  apply();
})();
