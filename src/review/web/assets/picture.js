// Fields as pictures: what lies on each, asked for once, and shapes over it.

import { learn, page } from "./cells.js";
import { get } from "./server.js";

const asked = new Map();

// A field with its objects; null where the program has none.
export function field(number) {
  if (!asked.has(number)) {
    asked.set(number, get(`${page.base}/field/${number}.json?series=${page.series}`).then(({ status, answer }) => {
      if (status !== 200) {
        asked.delete(number);
        return null;
      }
      answer.objects.forEach(learn);
      return answer;
    }));
  }
  return asked.get(number);
}

export function shape(name, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(attribute, value);
  }
  return element;
}

// The photograph of a field, in pixels of the original.
export function photograph(view) {
  return shape("image", {
    href: `${page.base}/field/${view.field}.jpg`, width: view.width_px, height: view.height_px, preserveAspectRatio: "none",
  });
}

// The outline of an object; an added cell has a circle.
export function outline(object, attributes) {
  if (object.group === "added" || !object.points) {
    return shape("circle", { cx: object.x_px, cy: object.y_px, r: object.radius_px, ...attributes });
  }
  const points = object.points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`);
  return shape("path", { d: `M${points.join("L")}Z`, ...attributes });
}
