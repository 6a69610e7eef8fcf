// Planes of a volume: slices come one by one as bytes, windows and colours are applied here, so that
// dragging waits for nothing. The same rules as workbench/data/imaging/composing.py.

const QUIET = 250; // ms after which a place counts as chosen
const SHARP = 150; // ms after which a picture is drawn as well as can be
const MOST_ZOOM = 16, NOTCH = 50; // NOTCH: pixels that a smooth wheel turns for a slice
const GAP = 14, TALLEST = 430, TALLEST_ALONE = 640, NARROW = 620;
const ENDS = ["RL", "AP", "SI"];
const KEYS = "Wheel, ↑ ↓: slices · PageUp, PageDown: ten · click or Shift + arrows: crosshair · right or Shift drag: window · "
  + "Ctrl + wheel, + −: zoom · Ctrl or middle drag: move · 1: whole image · 0: middle · M: regions · C: contributions";

const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
const short = (value) => `${+(+value).toPrecision(4)}`.replace("-", "−");
const exact = (value) => (Number.isInteger(value) ? `${value}`.replace("-", "−") : short(value));

// (slice, row, column) of a voxel in a plane, and back.
const flipped = (plane, row, column) => plane.turned ? [plane.n_rows - 1 - row, plane.n_columns - 1 - column] : [row, column];
const pixelOf = (plane, voxel) => [voxel[plane.axes[0]], ...flipped(plane, voxel[plane.axes[1]], voxel[plane.axes[2]])];
const shapeOf = (plane) => voxelOf({ ...plane, turned: false }, plane.n_slices, plane.n_rows, plane.n_columns);
function voxelOf(plane, number, row, column) {
  const voxel = [0, 0, 0];
  [number, ...flipped(plane, row, column)].forEach((value, at) => { voxel[plane.axes[at]] = value; });
  return voxel;
}

function worldWords(data, voxel) {
  if (!data.affine) return `row ${voxel[0]}, column ${voxel[1]}`;
  if (!data.oriented) return `voxel ${voxel.join(", ")}`;
  const at = data.affine.slice(0, 3).map((row) => row[0] * voxel[0] + row[1] * voxel[1] + row[2] * voxel[2] + row[3]);
  return `${at.map((value, axis) => `${ENDS[axis][value < 0 ? 1 : 0]} ${Math.abs(value).toFixed(1)}`).join(", ")} mm`;
}

// A slice in colour: grey by the window, contributions, then regions. Most pixels have nothing over
// them and are written as one word (the bytes of a word are red, green, blue, opacity).
function compose(slice, data, window) {
  const n = slice.n_rows * slice.n_columns, image = new ImageData(slice.n_columns, slice.n_rows);
  const out = image.data, words = new Uint32Array(out.buffer), { values } = slice;
  const low = window[0] - window[1] / 2, gain = 255 / window[1];
  const strength = data.attribution?.strength ?? 0, fill = data.mask?.shown ? data.mask.fill : 0;
  const levels = strength ? slice.levels : null, labels = fill ? slice.labels : null;
  const ends = levels && data.attribution.colours.map(rgb), palette = labels && data.mask.colours.map(rgb);
  for (let at = 0; at < n; at++) {
    if (data.colour) words[at] = 0xff000000 | values[3 * at + 2] << 16 | values[3 * at + 1] << 8 | values[3 * at];
    else {
      const level = (values[at] - low) * gain + 0.5; // NaN is neither: black
      const grey = level >= 255 ? 255 : level > 0 ? level | 0 : 0;
      words[at] = 0xff000000 | grey << 16 | grey << 8 | grey;
    }
    const moved = levels ? levels[at] : 0, label = labels ? labels[at] : 0;
    if (!moved && !label) continue;
    const paint = moved ? ends[moved > 0 ? 1 : 0] : null, share = moved ? Math.abs(moved) / 127 * strength : 0;
    const region = label ? palette[(label - 1) % palette.length] : null;
    for (let c = 0, to = 4 * at; c < 3; c++, to++) {
      let value = out[to];
      if (paint) value += share * (paint[c] - value);
      if (region) value += fill * (region[c] - value);
      out[to] = Math.floor(value + 0.5);
    }
  }
  return image;
}

// Edges between pixels of different regions, one path a label.
function outlines(slice) {
  const { labels, n_rows: rows, n_columns: columns } = slice, found = new Map();
  const at = (row, column) => (row < 0 || column < 0 || row >= rows || column >= columns ? 0 : labels[row * columns + column]);
  const add = (label, x0, y0, x1, y1) => {
    if (!label) return;
    if (!found.has(label)) found.set(label, new Path2D());
    found.get(label).moveTo(x0, y0);
    found.get(label).lineTo(x1, y1);
  };
  for (let row = 0; row <= rows; row++)
    for (let column = 0; column <= columns; column++) {
      const here = at(row, column), left = at(row, column - 1), above = at(row - 1, column);
      if (here !== left) { add(here, column, row, column, row + 1); add(left, column, row, column, row + 1); }
      if (here !== above) { add(here, column, row, column + 1, row); add(above, column, row, column + 1, row); }
    }
  return found;
}

function scaleBar(millimetres) {
  const most = millimetres * 0.4, power = 10 ** Math.floor(Math.log10(most));
  return Math.max(...[1, 2, 5].map((step) => step * power).filter((length) => length <= most));
}

parts.image = (first, page) => {
  let data = first.data, { voxel, window, zoom, middle } = data, told = "", toldWindow = "", style = "";
  let settle = 0, sharpen = 0, drawing = 0, moved = -Infinity, dragged = false, hovered = null;
  const grid = element("div", { class: "wb-planes" });
  const said = element("p", { class: "wb-planes-said", role: "status", "aria-live": "polite" });
  const legend = element("div", { class: "wb-planes-legend" });
  const keys = element("p", { class: "wb-planes-keys" }, KEYS);
  const node = element("div", { class: "wb-image" }, grid, said, legend, keys);
  let views = [];

  const current = (plane) => pixelOf(plane, voxel)[0];
  const reader = sliceReader(page, () => ({ ...data, voxel }), current, () => { drawSoon(); quiet(); });
  const placed = (at, by, about) => JSON.stringify([at, by.toFixed(4), ...about.map((each) => each.toFixed(2))]);
  const place = () => placed(voxel, zoom, middle);
  const lacking = () => data.planes.some(reader.lacks);
  const quiet = () => { node.dataset.quiet = String(!reader.waiting() && !dragged && !lacking() && place() === told && performance.now() - moved >= SHARP); };

  // The place is told to the kernel, for good, when the hand has been quiet.
  function settled() {
    clearTimeout(settle);
    const how = { zoom, middle: zoom > 1 ? middle : null, ...(dragged ? { window } : {}) };
    told = place();
    toldWindow = JSON.stringify(window);
    dragged = false;
    reader.ask(how);
    quiet();
  }
  function later() {
    clearTimeout(settle);
    if (dragged || place() !== told) settle = setTimeout(settled, QUIET);
  }

  function drawSoon() {
    if (!drawing) drawing = requestAnimationFrame(() => { drawing = 0; views.forEach((each) => each.draw()); say(); });
  }
  function underWay() {
    moved = performance.now();
    clearTimeout(sharpen);
    sharpen = setTimeout(() => { drawSoon(); quiet(); }, SHARP + 10);
    drawSoon();
    later();
    quiet();
  }

  function look(next, free = false) {
    const now = performance.now();
    for (const plane of data.planes) {
      const by = pixelOf(plane, next)[0] - current(plane);
      if (by) reader.moved(plane, by, now, free);
    }
    voxel = next;
    see(middle);
    underWay();
    reader.ask();
  }

  // What lies in the middle of all planes, so that no edge leaves its frame, and the crosshair none.
  function see(next) {
    const shape = shapeOf(data.planes[0]);
    middle = next.map((value, axis) => {
      const half = shape[axis] / zoom / 2;
      return clamp(clamp(value, voxel[axis] + 0.5 - half, voxel[axis] - 0.5 + half), half - 0.5, shape[axis] - half - 0.5);
    });
  }
  function magnify(by, plane, row, column) {
    const before = zoom, at = pixelOf(plane, middle);
    zoom = clamp(zoom * by, 1, MOST_ZOOM);
    const held = [current(plane), row, column]; // what lies under the hand stays there, and the crosshair elsewhere
    see(voxelOf(plane, ...held.map((each, axis) => each + (at[axis] - each) * before / zoom)));
    underWay();
  }
  function whole() { zoom = 1; see(middle); underWay(); }
  function move(next) { see(next); underWay(); }

  function go(plane, by) {
    const [number, row, column] = pixelOf(plane, voxel);
    const next = clamp(number + by, 0, plane.n_slices - 1);
    if (next !== number) look(voxelOf(plane, next, row, column));
  }

  const turn = (field, value) => page.send({ kind: "change", field, value });

  function makeView(plane) {
    const canvas = element("canvas", { class: "wb-plane-canvas", tabIndex: 0, role: "img" });
    const under = element("canvas", { class: "wb-plane-picture", "aria-hidden": "true" });
    canvas.dataset.key = `plane ${plane.name}`;
    const title = element("div", { class: "wb-plane-title" });
    const letters = plane.letters.map((letter, at) => element("span", { class: `wb-letter wb-letter-${at}`, "aria-hidden": "true" }, letter));
    const bar = element("span", { class: "wb-scale", "aria-hidden": "true" });
    const slider = element("input", {
      type: "range", min: 1, max: plane.n_slices, step: 1, class: "wb-plane-slider", "aria-label": `${plane.name} slice`,
      oninput: () => go(plane, +slider.value - 1 - current(plane)),
    });
    slider.dataset.key = `slider ${plane.name}`;
    slider.style.setProperty("visibility", plane.n_slices > 1 ? "visible" : "hidden");
    const frame = element("div", { class: "wb-plane-frame" }, under, canvas, ...letters, bar);
    const root = element("figure", { class: "wb-plane" }, title, frame, slider);
    const picture = document.createElement("canvas");
    const [ink, marks] = [picture, canvas].map((each) => each.getContext("2d", { willReadFrequently: true })); // on the processor:
    const wash = under.getContext("2d", { willReadFrequently: true }); // pixels that change with each slice gain nothing elsewhere
    let shown = null, made = "", laid = "", marked = "", seen = "", changed = -Infinity, paths = null, turned = 0;

    // The part of the plane in its frame, in rows and columns.
    function region() {
      const [, row, column] = pixelOf(plane, middle), high = plane.n_rows / zoom, wide = plane.n_columns / zoom;
      return { top: row + 0.5 - high / 2, left: column + 0.5 - wide / 2, high, wide };
    }
    function spot(event) {
      const box = canvas.getBoundingClientRect(), { top, left, high, wide } = region();
      return [top + (event.clientY - box.top) / box.height * high, left + (event.clientX - box.left) / box.width * wide];
    }
    function pixel(event) {
      const [row, column] = spot(event).map(Math.floor);
      return [clamp(row, 0, plane.n_rows - 1), clamp(column, 0, plane.n_columns - 1)];
    }
    let held = null;
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      const windowing = (event.button === 2 || event.shiftKey) && !data.colour;
      if (event.button === 1 || event.ctrlKey) { held = { pan: spot(event) }; event.preventDefault(); }
      else held = windowing ? { x: event.clientX, y: event.clientY, from: window } : { cross: true };
      if (held.cross) look(voxelOf(plane, current(plane), ...pixel(event)), true);
    });
    canvas.addEventListener("pointerenter", () => reader.visit(plane));
    canvas.addEventListener("focus", () => reader.visit(plane));
    canvas.addEventListener("pointermove", (event) => {
      hovered = { plane, pixel: pixel(event) };
      if (held?.cross) look(voxelOf(plane, current(plane), ...pixel(event)), true);
      else if (held?.pan) {
        const [row, column] = spot(event), at = pixelOf(plane, middle);
        move(voxelOf(plane, at[0], at[1] + held.pan[0] - row, at[2] + held.pan[1] - column));
      } else if (held) {
        const speed = held.from[1] / 250;
        window = [held.from[0] + (event.clientY - held.y) * speed, Math.max(held.from[1] / 100, held.from[1] + (event.clientX - held.x) * speed)];
        dragged = true;
        underWay();
      } else say();
    });
    const up = () => { if (held && !held.cross) settled(); held = null; };
    canvas.addEventListener("pointerup", up);
    canvas.addEventListener("pointercancel", up);
    canvas.addEventListener("pointerleave", () => { hovered = null; say(); });
    canvas.addEventListener("wheel", (event) => {
      if (event.ctrlKey) {
        event.preventDefault();
        return magnify(2 ** clamp(-event.deltaY / 200, -0.5, 0.5), plane, ...spot(event).map((each) => each - 0.5));
      }
      if (plane.n_slices === 1) return;
      event.preventDefault();
      turned = Math.abs(event.deltaY) >= NOTCH || turned * event.deltaY < 0 ? event.deltaY : turned + event.deltaY;
      if (Math.abs(turned) < NOTCH) return;
      go(plane, turned > 0 ? -1 : 1);
      turned = 0;
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => {
      const [number, row, column] = pixelOf(plane, voxel);
      const slices = { ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10, Home: -number, End: plane.n_slices - 1 - number };
      const cross = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      if (event.key === "+" || event.key === "=") magnify(Math.SQRT2, plane, row, column);
      else if (event.key === "-") magnify(Math.SQRT1_2, plane, row, column);
      else if (event.key === "1") whole();
      else if (event.shiftKey && cross[event.key]) {
        const [down, right] = cross[event.key];
        look(voxelOf(plane, number, clamp(row + down, 0, plane.n_rows - 1), clamp(column + right, 0, plane.n_columns - 1)));
      } else if (event.key in slices) go(plane, slices[event.key]);
      else if (event.key === "m" || event.key === "M") data.mask && turn("regions", !data.mask.shown);
      else if (event.key === "c" || event.key === "C") data.attribution && turn("contributions", !data.attribution.strength);
      else if (event.key === "0") look(data.planes.reduce((to, each) => { to[each.axes[0]] = Math.floor(each.n_slices / 2); return to; }, voxel.slice()));
      else return;
      event.preventDefault();
      event.stopPropagation();
    });

    let scale = 1;
    function size(to) {
      scale = to;
      const wide = Math.round(plane.n_columns * (plane.column_mm ?? 1) * scale), high = Math.round(plane.n_rows * (plane.row_mm ?? 1) * scale);
      const dots = globalThis.devicePixelRatio || 1;
      frame.style.setProperty("width", `${wide}px`);
      frame.style.setProperty("height", `${high}px`);
      root.style.setProperty("width", `${wide}px`);
      if (canvas.width === Math.round(wide * dots) && canvas.height === Math.round(high * dots)) return;
      for (const each of [canvas, under]) {
        each.width = Math.round(wide * dots);
        each.height = Math.round(high * dots);
      }
      laid = marked = "";
    }
    function drawScale() {
      const wide = plane.n_columns * (plane.column_mm ?? 1) * scale;
      bar.style.setProperty("display", plane.column_mm === null || wide < 120 ? "none" : "");
      if (plane.column_mm === null) return;
      const length = scaleBar(plane.n_columns * plane.column_mm / zoom);
      bar.style.setProperty("width", `${length * scale * zoom}px`);
      bar.textContent = `${short(length)} mm`;
    }

    // A slice is made once, laid down where it or its frame has changed, and marked anew.
    function draw() {
      const number = current(plane);
      shown = reader.nearest(plane, number) ?? shown;
      const words = `${plane.name} ${shown ? shown.number + 1 : "–"} of ${plane.n_slices}`;
      title.textContent = words[0].toUpperCase() + words.slice(1);
      canvas.setAttribute("aria-label", `${words}, ${worldWords(data, voxel)}`);
      slider.value = number + 1;
      slider.setAttribute("aria-valuetext", `${number + 1} of ${plane.n_slices}`);
      if (!shown) return;
      root.dataset.number = shown.number;
      const how = JSON.stringify([shown.stack, shown.number, window, style]);
      if (how !== made) {
        made = how;
        picture.width = shown.n_columns;
        picture.height = shown.n_rows;
        ink.putImageData(compose(shown, data, window), 0, 0);
        paths = data.mask?.shown && shown.labels ? outlines(shown) : null;
      }
      const at = region(), across = canvas.width / at.wide, down = canvas.height / at.high;
      const now = performance.now(), where = JSON.stringify([how, at, data.smooth]);
      if (where !== seen) [seen, changed] = [where, seen && now - moved < SHARP ? now : -Infinity];
      const quality = now - changed < SHARP ? "low" : "high"; // a plane that does not move stays as it is
      if (where + quality !== laid) {
        laid = where + quality;
        wash.imageSmoothingEnabled = data.smooth;
        wash.imageSmoothingQuality = quality;
        wash.drawImage(picture, at.left, at.top, at.wide, at.high, 0, 0, under.width, under.height);
        drawScale();
      }
      const lines = JSON.stringify([how, at, voxel]);
      if (lines !== marked) mark(at, across, down);
      marked = lines;
    }
    function mark({ top, left }, across, down) {
      const pen = marks, dots = globalThis.devicePixelRatio || 1;
      pen.clearRect(0, 0, canvas.width, canvas.height);
      if (paths) for (const [label, path] of paths) {
        const scaled = new Path2D();
        scaled.addPath(path, new DOMMatrix([across, 0, 0, down, -left * across, -top * down]));
        pen.strokeStyle = data.mask.colours[(label - 1) % data.mask.colours.length];
        pen.lineWidth = 1.5 * dots;
        pen.stroke(scaled);
      }
      const [, row, column] = pixelOf(plane, voxel), x = (column + 0.5 - left) * across, y = (row + 0.5 - top) * down, room = 9 * dots;
      const arm = plane.turned ? Infinity : room + 14 * dots; // a picture has no other planes to point at
      pen.beginPath();
      for (const [x0, y0, x1, y1] of [[Math.max(0, x - arm), y, x - room, y], [x + room, y, Math.min(canvas.width, x + arm), y], [x, Math.max(0, y - arm), x, y - room], [x, y + room, x, Math.min(canvas.height, y + arm)]])
        if (x1 > x0 || y1 > y0) { pen.moveTo(x0, y0); pen.lineTo(x1, y1); }
      pen.strokeStyle = "rgba(0,0,0,0.5)"; pen.lineWidth = 2.5 * dots; pen.stroke();
      pen.strokeStyle = "rgba(255,255,255,0.75)"; pen.lineWidth = 1 * dots; pen.stroke();
    }
    return { plane, root, size, draw, picture, key: JSON.stringify(plane) };
  }

  function say() {
    const plane = hovered?.plane ?? data.planes[0];
    const [number, row, column] = hovered ? [current(plane), ...hovered.pixel] : pixelOf(plane, voxel);
    const at = voxelOf(plane, number, row, column), slice = reader.get(plane, number);
    const words = [`${hovered ? "Pointer" : "Crosshair"}: ${worldWords(data, at)}`];
    if (slice) {
      const place = row * plane.n_columns + column;
      const value = data.colour ? `RGB ${[0, 1, 2].map((each) => slice.values[3 * place + each]).join(", ")}` : exact(slice.values[place]);
      words.push(data.colour ? value : `value ${value} ${data.unit}`.trim());
      if (slice.labels?.[place]) words.push(data.mask.names[slice.labels[place] - 1]);
      if (slice.levels && data.attribution.strength) {
        const level = slice.levels[place], sign = Math.abs(level) < 127 ? "≈" : level > 0 ? "≥" : "≤"; // beyond the full colour
        words.push(`${data.attribution.title} ${sign} ${short(level / 127 * data.attribution.limit)}`);
      }
    }
    if (dragged) words.push(`window ${short(window[0])}, width ${short(window[1])}`);
    said.textContent = words.join(" · ");
  }

  function drawLegend() {
    const children = [];
    if (data.mask?.shown) data.mask.names.forEach((name, at) => {
      const patch = element("span", { class: "wb-patch" });
      patch.style.setProperty("background", data.mask.colours[at % data.mask.colours.length]);
      children.push(element("span", { class: "wb-legend-item" }, patch, name));
    });
    if (data.attribution?.strength) {
      const { limit, title, method, strength, colours } = data.attribution, ramp = element("span", { class: "wb-ramp" });
      const mixed = colours.map((hex) => `rgb(${rgb(hex).map((value) => Math.round(127.5 + strength * (value - 127.5))).join(",")})`);
      ramp.style.setProperty("background", `linear-gradient(to right, ${mixed[0]}, rgb(128,128,128), ${mixed[1]})`);
      const ticks = element("span", { class: "wb-ticks" }, ...[`−${short(limit)}`, "0", short(limit)].map((text) => element("span", {}, text)));
      const words = `${title[0].toUpperCase()}${title.slice(1)}${method ? ` (${method})` : ""}`;
      children.push(element("span", { class: "wb-legend-item" }, words, element("span", { class: "wb-bar" }, ramp, ticks)));
    }
    legend.replaceChildren(...children);
  }

  function fit() {
    const room = node.clientWidth;
    if (!room || !views.length) return;
    const planes = data.planes, wide = planes.map((p) => p.n_columns * (p.column_mm ?? 1)), high = planes.map((p) => p.n_rows * (p.row_mm ?? 1));
    const together = wide.reduce((sum, each) => sum + each, 0), tallest = planes.length > 1 ? TALLEST : TALLEST_ALONE;
    const across = planes.length > 1 && room < NARROW ? room / Math.max(...wide) : (room - GAP * (planes.length - 1) - 2) / together;
    const scale = Math.min(across, tallest / Math.max(...high));
    views.forEach((each) => each.size(scale));
    views.forEach((each) => each.draw());
  }

  const update = (block) => {
    const { patient, channel } = data;
    data = block.data;
    const now = placed(data.voxel, data.zoom, data.middle);
    if ((now !== told && reader.settling() < 2) || data.patient !== patient) { ({ voxel, zoom, middle } = data); told = now; }
    if (JSON.stringify(data.window) !== toldWindow || data.patient !== patient) { window = data.window; toldWindow = JSON.stringify(window); }
    if (data.patient !== patient || data.channel !== channel) { hovered = null; reader.forget(); }
    style = JSON.stringify([data.mask, data.attribution]);
    if (views.map((each) => each.key).join() !== data.planes.map((plane) => JSON.stringify(plane)).join()) {
      views = data.planes.map(makeView);
      grid.replaceChildren(...views.map((each) => each.root));
      hovered = null;
    }
    drawLegend();
    fit();
    drawSoon();
    reader.ask();
    quiet();
    return true;
  };
  new ResizeObserver(fit).observe(node);
  update(first);
  node.composed = (name) => views.find((each) => each.plane.name === name).picture;
  return { node, update };
};
