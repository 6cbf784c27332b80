// What part of a drawing is in view: nearer, farther and moved by wheel, pointers and calls.

// Nearest view, px of the drawing across.
const LEAST_WIDTH = 60;
// A pointer that moves less than this, px of the screen, clicks.
const CLICK_PX = 5;

export function panAndZoom(svg) {
  let whole = { width: 1, height: 1 };
  let box = { x: 0, y: 0, width: 1, height: 1 };
  const pointers = new Map();
  let dragged = false;

  // Px of the drawing for one of the screen.
  const unit = () => {
    const { width, height } = svg.getBoundingClientRect();
    return Math.max(box.width / (width || 1), box.height / (height || 1));
  };

  const apply = () => {
    const clamp = (middle, size, most) => Math.min(Math.max(middle, 0), most) - size / 2;
    box.x = clamp(box.x + box.width / 2, box.width, whole.width);
    box.y = clamp(box.y + box.height / 2, box.height, whole.height);
    svg.setAttribute("viewBox", `${box.x} ${box.y} ${box.width} ${box.height}`);
    svg.style.setProperty("--unit", unit());
  };

  const zoomAt = (x, y, factor) => {
    const by = Math.min(Math.max(factor, box.width / (1.2 * whole.width)), box.width / LEAST_WIDTH);
    box = { x: x - (x - box.x) / by, y: y - (y - box.y) / by, width: box.width / by, height: box.height / by };
    apply();
  };

  const at = (event) => {
    const matrix = svg.getScreenCTM();
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
    return { x: point.x, y: point.y };
  };

  svg.addEventListener("wheel", (event) => {
    event.preventDefault();
    const { x, y } = at(event);
    zoomAt(x, y, Math.exp(-event.deltaY / 400));
  }, { passive: false });

  svg.addEventListener("pointerdown", (event) => {
    if (!pointers.size) dragged = false;
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY, from: [event.clientX, event.clientY] });
  });

  svg.addEventListener("pointermove", (event) => {
    const pointer = pointers.get(event.pointerId);
    if (!pointer) return;
    if (!dragged && Math.hypot(event.clientX - pointer.from[0], event.clientY - pointer.from[1]) < CLICK_PX) return;
    if (!dragged) {
      dragged = true;
      svg.setPointerCapture(event.pointerId);
    }
    const others = [...pointers.entries()].filter(([id]) => id !== event.pointerId).map(([, other]) => other);
    const scale = unit();
    if (others.length) {
      const [other] = others;
      const before = Math.hypot(pointer.x - other.x, pointer.y - other.y);
      const after = Math.hypot(event.clientX - other.x, event.clientY - other.y);
      const { x, y } = at({ clientX: (event.clientX + other.x) / 2, clientY: (event.clientY + other.y) / 2 });
      if (before > 0 && after > 0) zoomAt(x, y, after / before);
    } else {
      box.x -= (event.clientX - pointer.x) * scale;
      box.y -= (event.clientY - pointer.y) * scale;
      apply();
    }
    pointer.x = event.clientX;
    pointer.y = event.clientY;
  });

  for (const name of ["pointerup", "pointercancel"]) {
    window.addEventListener(name, (event) => pointers.delete(event.pointerId));
  }
  new ResizeObserver(apply).observe(svg);

  return {
    unit,
    at,
    wasDragged: () => dragged,
    whole(width, height) {
      whole = { width, height };
      box = { x: 0, y: 0, width, height };
      apply();
    },
    center(x, y, half) {
      const width = Math.min(2 * half, whole.width);
      const height = width * (whole.height / whole.width);
      box = { x: x - width / 2, y: y - height / 2, width, height };
      apply();
    },
    scale(factor) {
      zoomAt(box.x + box.width / 2, box.y + box.height / 2, factor);
    },
    pan(dx, dy) {
      box.x += dx * unit();
      box.y += dy * unit();
      apply();
    },
    middle: () => ({ x: box.x + box.width / 2, y: box.y + box.height / 2 }),
    keepInView(x, y) {
      const isIn = x > box.x && x < box.x + box.width && y > box.y && y < box.y + box.height;
      if (isIn) return;
      box.x = x - box.width / 2;
      box.y = y - box.height / 2;
      apply();
    },
  };
}
