// A slide: tiles of the level that fits the screen, over what is already there of coarser ones.

const KEPT_TILES = 300, AT_ONCE = 6, HIGH = 520;
const SLIDE_KEYS = "Drag or arrows: move · wheel or + −: magnify · 0: whole slide · double click: magnify there";

const slideRgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
const within = (value, low, high) => Math.min(high, Math.max(low, value));
const lengthWords = (um) => (um >= 1000 ? `${+(um / 1000).toPrecision(3)} mm` : `${+um.toPrecision(3)} µm`);

parts.slide = (first, page) => {
  let data = first.data, [x, y] = data.place, scale = data.scale, told = "";
  const view = Math.random().toString(36).slice(2, 14); // pages of one widget hear each other's tiles
  const tiles = new Map(), refused = new Set();
  let asking = false, moved = false, pending = [], settle = 0, drawing = 0, heat = null, heatAsked = false;
  const canvas = element("canvas", { class: "wb-slide-canvas", tabIndex: 0, role: "img" });
  canvas.dataset.key = "slide";
  const bar = element("span", { class: "wb-scale", "aria-hidden": "true" });
  const frame = element("div", { class: "wb-plane-frame wb-slide-frame" }, canvas, bar);
  const said = element("p", { class: "wb-planes-said", role: "status", "aria-live": "polite" });
  const legend = element("div", { class: "wb-planes-legend" });
  const button = (label, words, onclick) => element("button", { type: "button", class: "wb-button", "aria-label": words, onclick }, label);
  const buttons = element("div", { class: "wb-controls" },
    button("+", "Magnify", () => zoom(0.5)), button("−", "Less", () => zoom(2)), button("Whole slide", "Whole slide", () => whole()));
  const node = element("div", { class: "wb-image wb-slide" }, buttons, frame, said, legend, element("p", { class: "wb-planes-keys" }, SLIDE_KEYS));

  const size = () => data.levels[0];
  const wide = () => frame.clientWidth || 1;
  const fitting = () => Math.max(size()[1] / wide(), size()[0] / HIGH);
  const current = () => scale ?? fitting();
  const shrink = (level) => size()[0] / data.levels[level][0];
  // The coarsest level that has a pixel for each dot of the screen.
  function level() {
    const dots = globalThis.devicePixelRatio || 1;
    let found = 0;
    data.levels.forEach((_, at) => { if (shrink(at) <= current() / dots + 1e-6) found = at; });
    return found;
  }

  function inSight(at) {
    const step = data.tile * shrink(at), [high, broad] = data.levels[at], half = [wide() / 2 * current(), HIGH / 2 * current()];
    const columns = Math.ceil(broad / data.tile), rows = Math.ceil(high / data.tile), found = [];
    for (let row = Math.max(0, Math.floor((y - half[1]) / step)); row < rows && row * step < y + half[1]; row++)
      for (let column = Math.max(0, Math.floor((x - half[0]) / step)); column < columns && column * step < x + half[0]; column++)
        found.push({ level: at, row, column, far: Math.hypot((column + 0.5) * step - x, (row + 0.5) * step - y) });
    return found.sort((a, b) => a.far - b.far);
  }
  const keyOf = (tile) => `${tile.level}/${tile.row}/${tile.column}`;
  const missing = () => {
    const coarsest = data.levels.length - 1, wanted = inSight(level());
    return [...(coarsest === level() ? [] : inSight(coarsest)), ...wanted].filter((tile) => !tiles.has(keyOf(tile)) && !refused.has(keyOf(tile)));
  };

  const quiet = () => { node.dataset.quiet = String(!asking && !moved && missing().length === 0); };

  function ask(settled = false) {
    clearTimeout(settle);
    if (!settled && moved) settle = setTimeout(() => ask(true), 300);
    if (asking && !settled) return;
    const wanted = missing().slice(0, AT_ONCE).map(({ level, row, column }) => ({ level, row, column }));
    const lacksHeat = Boolean(data.attribution && !heat && !heatAsked);
    if (!wanted.length && !lacksHeat && !settled) return;
    asking = true;
    heatAsked ||= lacksHeat;
    pending = wanted.map(keyOf);
    if (settled) { told = JSON.stringify([x, y, scale]); moved = false; }
    page.tell({ kind: "move", view, x, y, scale, wanted, heat: lacksHeat, settled });
  }

  const answers = (message, buffers) => {
    if (message?.kind === "answered" && message.view === view) {
      asking = false;
      const late = pending;
      // Pictures are unpacked after they arrive: what is not there a little later was refused.
      setTimeout(() => { for (const key of late) if (!tiles.has(key)) refused.add(key); }, 3000);
      pending = [];
      if (missing().some((tile) => !late.includes(keyOf(tile)))) ask();
      quiet();
    } else if (message?.kind === "heat") {
      const bytes = new Int8Array(buffers[0].buffer ?? buffers[0], buffers[0].byteOffset ?? 0, buffers[0].byteLength);
      heat = { levels: bytes.slice(), picture: null, made: "" };
      drawSoon();
    } else if (message?.kind === "tile") {
      tiles.set(message.key, null);
      createImageBitmap(new Blob([buffers[0]], { type: "image/png" })).then((picture) => {
        tiles.delete(message.key);
        tiles.set(message.key, picture);
        const coarsest = `${data.levels.length - 1}/`;
        for (const key of tiles.keys()) {
          if (tiles.size <= KEPT_TILES) break;
          if (!key.startsWith(coarsest)) { tiles.get(key)?.close(); tiles.delete(key); }
        }
        drawSoon();
        quiet();
      });
    }
  };
  page.received.push(answers);

  function drawSoon() {
    if (!drawing) drawing = requestAnimationFrame(() => { drawing = 0; draw(); });
  }

  function heatPicture() {
    const { colours, strength, shape } = data.attribution, made = JSON.stringify([colours, strength]);
    if (heat.made === made) return heat.picture;
    const image = new ImageData(shape[1], shape[0]), ends = colours.map(slideRgb);
    heat.levels.forEach((value, at) => {
      const paint = ends[value > 0 ? 1 : 0];
      image.data.set([...paint, Math.round(255 * strength * Math.abs(value) / 127)], 4 * at);
    });
    heat.picture = Object.assign(document.createElement("canvas"), { width: shape[1], height: shape[0] });
    heat.picture.getContext("2d").putImageData(image, 0, 0);
    heat.made = made;
    return heat.picture;
  }

  function draw() {
    const dots = globalThis.devicePixelRatio || 1, pen = canvas.getContext("2d"), zoomed = current();
    if (canvas.width !== Math.round(wide() * dots) || canvas.height !== HIGH * dots) {
      canvas.width = Math.round(wide() * dots);
      canvas.height = HIGH * dots;
    }
    const toX = (px) => ((px - x) / zoomed + wide() / 2) * dots, toY = (py) => ((py - y) / zoomed + HIGH / 2) * dots;
    pen.fillStyle = "#808488";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.imageSmoothingEnabled = zoomed > 0.5;
    let drawn = 0;
    for (let at = data.levels.length - 1; at >= level(); at--)
      for (const tile of inSight(at)) {
        const picture = tiles.get(keyOf(tile));
        if (!picture) continue;
        if (at === level()) drawn++;
        const step = data.tile * shrink(at), left = toX(tile.column * step), top = toY(tile.row * step);
        const right = toX(tile.column * step + picture.width * shrink(at)), bottom = toY(tile.row * step + picture.height * shrink(at));
        // Whole dots, so that no seam shows between tiles.
        pen.drawImage(picture, Math.round(left), Math.round(top), Math.round(right) - Math.round(left), Math.round(bottom) - Math.round(top));
      }
    if (heat && data.attribution?.strength) {
      pen.imageSmoothingEnabled = false;
      pen.drawImage(heatPicture(), toX(0), toY(0), toX(size()[1]) - toX(0), toY(size()[0]) - toY(0));
    }
    node.dataset.drawn = `${level()}/${drawn}/${inSight(level()).length}`;
    const um = data.micrometres;
    bar.style.setProperty("display", um ? "" : "none");
    if (um) {
      const most = 180 * zoomed * um, power = 10 ** Math.floor(Math.log10(most));
      const length = Math.max(...[1, 2, 5].map((step) => step * power).filter((each) => each <= most));
      bar.style.setProperty("width", `${length / um / zoomed}px`);
      bar.textContent = lengthWords(length);
    }
    const how = um ? `${+(zoomed * um).toPrecision(3)} µm a pixel` : `${+zoomed.toPrecision(3)} pixels a pixel`;
    const words = `middle x ${Math.round(x)}, y ${Math.round(y)} · ${how}`;
    canvas.setAttribute("aria-label", `Slide, ${words}`);
    said.textContent = words[0].toUpperCase() + words.slice(1);
  }

  function go(nextX, nextY, nextScale = current()) {
    moved = true;
    scale = nextScale && within(nextScale, 0.125, Math.max(fitting(), 0.125));
    x = within(nextX, 0, size()[1]);
    y = within(nextY, 0, size()[0]);
    drawSoon();
    ask();
    quiet();
  }
  function zoom(by, at = [wide() / 2, HIGH / 2]) {
    const before = current(), after = within(before * by, 0.125, Math.max(fitting(), 0.125));
    const [right, down] = [at[0] - wide() / 2, at[1] - HIGH / 2];
    go(x + right * (before - after), y + down * (before - after), after);
  }
  const whole = () => go(size()[1] / 2, size()[0] / 2, null);
  const spot = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };

  let held = null;
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    held = { at: spot(event), x, y };
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!held) return;
    const at = spot(event);
    go(held.x - (at[0] - held.at[0]) * current(), held.y - (at[1] - held.at[1]) * current());
  });
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => { held = null; });
  canvas.addEventListener("dblclick", (event) => zoom(0.5, spot(event)));
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(2 ** within(event.deltaY / 200, -1, 1), spot(event));
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const step = 80 * current();
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (moves[event.key]) go(x + moves[event.key][0], y + moves[event.key][1]);
    else if (event.key === "+" || event.key === "=") zoom(0.5);
    else if (event.key === "-") zoom(2);
    else if (event.key === "0") whole();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  const update = (block) => {
    data = block.data;
    const now = JSON.stringify([...data.place, data.scale]);
    if (told && now !== told) { [x, y] = data.place; scale = data.scale; }
    told = now;
    if (data.attribution?.strength) {
      const { limit, title, strength, colours } = data.attribution, ramp = element("span", { class: "wb-ramp" });
      const over = colours.map((hex) => `rgb(${slideRgb(hex).map((value) => Math.round(255 + strength * (value - 255))).join(",")})`);
      ramp.style.setProperty("background", `linear-gradient(to right, ${over[0]}, #fff, ${over[1]})`);
      legend.replaceChildren(element("span", { class: "wb-legend-item" }, `${title}: −${+limit.toPrecision(3)}`, ramp, `${+limit.toPrecision(3)}`));
    } else legend.replaceChildren();
    drawSoon();
    ask();
    quiet();
    return true;
  };
  new ResizeObserver(() => { drawSoon(); ask(); }).observe(frame);
  frame.style.setProperty("height", `${HIGH}px`);
  update(first);
  return { node, update };
};
