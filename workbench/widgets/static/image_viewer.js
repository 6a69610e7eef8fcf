// Planes of a volume: slices come one by one as bytes, windows and colours are applied here, so that
// dragging waits for nothing. The same rules as workbench/data/imaging/composing.py.

const ARRAYS = { uint8: Uint8Array, int16: Int16Array, uint16: Uint16Array, float32: Float32Array };
const KEPT_SLICES = 64;
const QUIET = 250; // ms after which a place counts as chosen
const GAP = 14, TALLEST = 430, TALLEST_ALONE = 640, NARROW = 620;
const ENDS = ["RL", "AP", "SI"];
const KEYS = "Wheel, ↑ ↓: slices · PageUp, PageDown: ten · click or Shift + arrows: crosshair · right or Shift drag: window · M: regions · C: contributions · 0: middle";

const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const short = (value) => `${+(+value).toPrecision(4)}`.replace("-", "−");
const exact = (value) => (Number.isInteger(value) ? `${value}`.replace("-", "−") : short(value));

// (slice, row, column) of a voxel in a plane, and back.
const flipped = (plane, row, column) => plane.turned ? [plane.n_rows - 1 - row, plane.n_columns - 1 - column] : [row, column];
const pixelOf = (plane, voxel) => [voxel[plane.axes[0]], ...flipped(plane, voxel[plane.axes[1]], voxel[plane.axes[2]])];
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
  let data = first.data, voxel = data.voxel, window = data.window, told = JSON.stringify(voxel), toldWindow = JSON.stringify(window);
  const view = Math.random().toString(36).slice(2, 14); // pages of one widget hear each other's slices
  const kept = new Map(); // what was seen last stays longest
  const refused = new Set(); // what was asked for and did not come is not asked for again
  let pending = [];
  let asking = false, settle = 0, step = 1, last = null, dragged = false, drawing = 0, hovered = null;
  const grid = element("div", { class: "wb-planes" });
  const said = element("p", { class: "wb-planes-said", role: "status", "aria-live": "polite" });
  const legend = element("div", { class: "wb-planes-legend" });
  const keys = element("p", { class: "wb-planes-keys" }, KEYS);
  const node = element("div", { class: "wb-image" }, grid, said, legend, keys);
  let views = [];

  const keyOf = (plane, number) => `${data.patient}/${data.channel}/${plane.name}/${number}`;
  const lacking = () => data.planes.some((plane) => !kept.has(keyOf(plane, current(plane))) && !refused.has(keyOf(plane, current(plane))));
  const quiet = () => { node.dataset.quiet = String(!asking && !dragged && !lacking() && JSON.stringify(voxel) === told); };
  const current = (plane) => pixelOf(plane, voxel)[0];

  function ask(settled = false) {
    clearTimeout(settle);
    if (!settled && (dragged || JSON.stringify(voxel) !== told)) settle = setTimeout(() => ask(true), QUIET);
    if (asking && !settled) return;
    const wanted = [];
    const want = (plane, number) => {
      if (number >= 0 && number < plane.n_slices && !kept.has(keyOf(plane, number)) && !refused.has(keyOf(plane, number))) wanted.push({ plane: plane.name, number });
    };
    for (const plane of data.planes) want(plane, current(plane));
    if (last && !wanted.length) for (const ahead of [1, 2]) want(last, current(last) + ahead * step);
    if (!wanted.length && !settled) return;
    asking = true;
    pending = wanted.slice(0, 8).map((each) => keyOf({ name: each.plane }, each.number));
    if (settled) { told = JSON.stringify(voxel); toldWindow = JSON.stringify(window); }
    page.model.send({
      kind: "look", view, patient: data.patient, channel: data.channel, voxel, wanted: wanted.slice(0, 8), settled,
      ...(dragged ? { window } : {}),
    });
    if (settled) dragged = false;
  }

  page.received.push((message, buffers) => {
    if (message?.kind === "looked" && message.view === view) {
      asking = false;
      for (const key of pending) if (!kept.has(key)) refused.add(key);
      pending = [];
      if (lacking()) ask();
      quiet();
    }
    if (message?.kind !== "slice") return;
    const plane = data.planes.find((each) => each.name === message.plane);
    if (!plane || message.patient !== data.patient || message.channel !== data.channel) return;
    const slice = { number: message.number, n_rows: plane.n_rows, n_columns: plane.n_columns };
    message.layers.forEach((name, at) => {
      const Kind = name === "values" ? ARRAYS[message.type] : name === "levels" ? Int8Array : Uint8Array;
      const bytes = buffers[at], copy = new Uint8Array(bytes.byteLength);
      copy.set(new Uint8Array(bytes.buffer ?? bytes, bytes.byteOffset ?? 0, bytes.byteLength));
      slice[name] = new Kind(copy.buffer);
    });
    kept.set(keyOf(plane, message.number), slice);
    if (kept.size > KEPT_SLICES) kept.delete(kept.keys().next().value);
    drawSoon();
  });

  function drawSoon() {
    if (!drawing) drawing = requestAnimationFrame(() => { drawing = 0; views.forEach((each) => each.draw()); say(); });
  }

  function look(next) {
    voxel = next;
    drawSoon();
    ask();
    quiet();
  }

  function go(plane, by) {
    const [number, row, column] = pixelOf(plane, voxel);
    const next = clamp(number + by, 0, plane.n_slices - 1);
    if (next === number) return;
    [last, step] = [plane, Math.sign(by)];
    look(voxelOf(plane, next, row, column));
  }

  const turn = (field, value) => page.send({ kind: "change", field, value });

  function makeView(plane) {
    const canvas = element("canvas", { class: "wb-plane-canvas", tabIndex: 0, role: "img" });
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
    const frame = element("div", { class: "wb-plane-frame" }, canvas, ...letters, bar);
    const root = element("figure", { class: "wb-plane" }, title, frame, slider);
    const picture = document.createElement("canvas");
    let shown = null, made = "", paths = null;

    function place(event) {
      const box = canvas.getBoundingClientRect();
      const row = Math.floor((event.clientY - box.top) / box.height * plane.n_rows);
      const column = Math.floor((event.clientX - box.left) / box.width * plane.n_columns);
      return [clamp(row, 0, plane.n_rows - 1), clamp(column, 0, plane.n_columns - 1)];
    }
    let held = null;
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      const windowing = (event.button === 2 || event.shiftKey) && !data.colour;
      held = windowing ? { x: event.clientX, y: event.clientY, from: window } : { cross: true };
      if (held.cross) look(voxelOf(plane, current(plane), ...place(event)));
    });
    canvas.addEventListener("pointermove", (event) => {
      hovered = { plane, pixel: place(event) };
      if (held?.cross) look(voxelOf(plane, current(plane), ...place(event)));
      else if (held) {
        const speed = held.from[1] / 250;
        window = [held.from[0] + (event.clientY - held.y) * speed, Math.max(held.from[1] / 100, held.from[1] + (event.clientX - held.x) * speed)];
        dragged = true;
        drawSoon();
        quiet();
      } else say();
    });
    const up = () => { if (held && !held.cross) ask(true); held = null; };
    canvas.addEventListener("pointerup", up);
    canvas.addEventListener("pointercancel", up);
    canvas.addEventListener("pointerleave", () => { hovered = null; say(); });
    canvas.addEventListener("wheel", (event) => {
      if (plane.n_slices === 1 || event.ctrlKey) return;
      event.preventDefault();
      go(plane, event.deltaY > 0 ? -1 : 1);
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => {
      const [number, row, column] = pixelOf(plane, voxel);
      const slices = { ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10, Home: -number, End: plane.n_slices - 1 - number };
      const cross = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      if (event.shiftKey && cross[event.key]) {
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

    function size(scale) {
      const wide = Math.round(plane.n_columns * (plane.column_mm ?? 1) * scale), high = Math.round(plane.n_rows * (plane.row_mm ?? 1) * scale);
      const dots = globalThis.devicePixelRatio || 1;
      frame.style.setProperty("width", `${wide}px`);
      frame.style.setProperty("height", `${high}px`);
      root.style.setProperty("width", `${wide}px`);
      if (canvas.width !== Math.round(wide * dots) || canvas.height !== Math.round(high * dots)) {
        canvas.width = Math.round(wide * dots);
        canvas.height = Math.round(high * dots);
      }
      bar.style.setProperty("display", plane.column_mm === null || wide < 120 ? "none" : "");
      if (plane.column_mm !== null) {
        const length = scaleBar(plane.n_columns * plane.column_mm);
        bar.style.setProperty("width", `${length * scale}px`);
        bar.textContent = `${short(length)} mm`;
      }
    }

    function draw() {
      const number = current(plane), slice = kept.get(keyOf(plane, number));
      if (slice) { kept.delete(keyOf(plane, number)); kept.set(keyOf(plane, number), slice); shown = slice; }
      const words = `${plane.name} ${shown ? shown.number + 1 : "–"} of ${plane.n_slices}`;
      title.textContent = words[0].toUpperCase() + words.slice(1);
      canvas.setAttribute("aria-label", `${words}, ${worldWords(data, voxel)}`);
      slider.value = number + 1;
      slider.setAttribute("aria-valuetext", `${number + 1} of ${plane.n_slices}`);
      if (!shown) return;
      root.dataset.number = shown.number;
      const how = JSON.stringify([data.patient, data.channel, shown.number, window, data.mask, data.attribution]);
      if (how !== made) {
        made = how;
        picture.width = shown.n_columns;
        picture.height = shown.n_rows;
        picture.getContext("2d").putImageData(compose(shown, data, window), 0, 0);
        paths = data.mask?.shown && shown.labels ? outlines(shown) : null;
      }
      const pen = canvas.getContext("2d"), across = canvas.width / plane.n_columns, down = canvas.height / plane.n_rows;
      pen.setTransform(1, 0, 0, 1, 0, 0);
      pen.imageSmoothingEnabled = data.smooth;
      pen.imageSmoothingQuality = "high";
      pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
      const dots = globalThis.devicePixelRatio || 1;
      if (paths) for (const [label, path] of paths) {
        const scaled = new Path2D();
        scaled.addPath(path, new DOMMatrix([across, 0, 0, down, 0, 0]));
        pen.strokeStyle = data.mask.colours[(label - 1) % data.mask.colours.length];
        pen.lineWidth = 1.5 * dots;
        pen.stroke(scaled);
      }
      const [, row, column] = pixelOf(plane, voxel), x = (column + 0.5) * across, y = (row + 0.5) * down, room = 9 * dots;
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
    const at = voxelOf(plane, number, row, column), slice = kept.get(keyOf(plane, number));
    const words = [`${hovered ? "Pointer" : "Crosshair"}: ${worldWords(data, at)}`];
    if (slice) {
      const place = row * plane.n_columns + column;
      const value = data.colour ? `RGB ${[0, 1, 2].map((each) => slice.values[3 * place + each]).join(", ")}` : exact(slice.values[place]);
      words.push(data.colour ? value : `value ${value} ${data.unit}`.trim());
      if (slice.labels?.[place]) words.push(data.mask.names[slice.labels[place] - 1]);
      if (slice.levels) words.push(`${data.attribution.title} ≈ ${short(slice.levels[place] / 127 * data.attribution.limit)}`);
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
      children.push(element("span", { class: "wb-legend-item" }, `${title}: −${short(limit)}`, ramp, short(limit), method ? ` (${method})` : ""));
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
    const patient = data.patient;
    data = block.data;
    if (JSON.stringify(data.voxel) !== told || data.patient !== patient) { voxel = data.voxel; told = JSON.stringify(voxel); }
    if (JSON.stringify(data.window) !== toldWindow || data.patient !== patient) { window = data.window; toldWindow = JSON.stringify(window); }
    if (data.patient !== patient) { last = hovered = null; refused.clear(); }
    if (views.map((each) => each.key).join() !== data.planes.map((plane) => JSON.stringify(plane)).join()) {
      views = data.planes.map(makeView);
      grid.replaceChildren(...views.map((each) => each.root));
      last = hovered = null;
    }
    drawLegend();
    fit();
    drawSoon();
    if (lacking()) ask();
    quiet();
    return true;
  };
  new ResizeObserver(fit).observe(node);
  update(first);
  node.composed = (name) => views.find((each) => each.plane.name === name).picture;
  return { node, update };
};
