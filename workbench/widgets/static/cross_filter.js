// Linked bars: one column a cell, dragged or clicked, repainted from small messages while a hand moves.

const PLOT = 118, FOOT = 26, HEAD = 12, SIDE = 10, BESIDE = 1.6; // pixels; BESIDE: bins between values and missing
const tally = (n) => (n === null || n === undefined ? "withheld" : n.toLocaleString("en-US"));
const MINUS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -5, PageUp: 5 };

function onCounts(page, node, paint) {
  const hear = (message) => {
    if (message?.kind !== "counts") return;
    if (node.isConnected) paint(message);
    else page.received = page.received.filter((each) => each !== hear);
  };
  page.received.push(hear);
}

// ---- How many are selected ----

parts.chosen = (first, page) => {
  const large = element("strong", { class: "wb-large" }), words = element("span", { class: "wb-of" });
  const bar = element("span", { class: "wb-share", "aria-hidden": "true" }, element("span"));
  const node = element("div", { class: "wb-chosen-n", role: "status" }, element("div", {}, large, words), bar);
  const paint = ({ n_selected: n, n_patients: all }) => {
    large.textContent = n === null ? "Withheld" : tally(n);
    const of = all === null ? "a withheld number of" : tally(all);
    words.textContent = n === null
      ? `of ${of} patients: too few are selected, or left out, for the number to be shown`
      : `of ${of} patients selected${all ? ` (${share(n / all)})` : ""}`;
    bar.firstChild.style.setProperty("width", n === null || !all ? "0" : `${100 * n / all}%`);
  };
  const update = (block) => (paint(block.data), true);
  update(first);
  onCounts(page, node, paint);
  return { node, update };
};

const share = (part) => (part > 0 && part < 0.001 ? "< 0.1 %" : `${(100 * part).toFixed(part === 1 || part === 0 ? 0 : 1)} %`);

// ---- All columns ----

parts.bars = (first, page) => {
  const grid = element("div", { class: "wb-views" });
  const sample = (name, words) => element("span", {}, element("i", { class: name }), words);
  const legend = element("p", { class: "wb-legend" }, sample("wb-in", "selected"), sample("wb-all", "all patients"),
    sample("wb-out", "would be selected, if this column did not say otherwise"), sample("wb-hidden", "number withheld"),
    element("span", {}, "Drag over numbers or dates; click a bar, with Ctrl to take several."));
  const node = element("div", {}, legend, grid);
  let cells = [], data = first.data;
  const makers = { histogram: histogramCell, levels: levelsCell };
  const update = (block) => {
    data = block.data;
    const keys = data.views.map((view) => JSON.stringify([view.column, view.kind, view.labels]));
    if (keys.join("\n") !== cells.map((cell) => cell.key).join("\n")) {
      const old = new Map(cells.map((cell) => [cell.key, cell]));
      cells = data.views.map((view, at) => old.get(keys[at]) ?? { key: keys[at], ...makers[view.kind](view, page) });
      grid.replaceChildren(...cells.map((cell) => cell.node));
    }
    cells.forEach((cell, at) => cell.update(data.views[at], data.heights));
    return true;
  };
  update(first);
  onCounts(page, node, (message) => cells.forEach((cell, at) => {
    const selected = message.selected[data.views[at].column];
    if (selected) cell.count(selected);
  }));
  const keys = (event) => {
    if (!node.isConnected) return page.root.removeEventListener("keydown", keys);
    if (!(event.ctrlKey || event.metaKey) || event.target.matches("input[type=text], input[type=number]")) return;
    const key = event.key.toLowerCase();
    const verb = key === "y" || (key === "z" && event.shiftKey) ? "redo" : key === "z" ? "undo" : null;
    if (!verb) return;
    event.preventDefault();
    event.stopPropagation();
    if (data[verb]) page.send({ kind: "do", verb, argument: "" });
  };
  page.root.addEventListener("keydown", keys);
  return { node, update };
};

function cellFrame(view, page, inner) {
  const asks = element("span", { class: "wb-asks" });
  const clear = element("button", {
    type: "button", class: "wb-x", "aria-label": `Let go of ${view.title}`, title: "Let go",
    onclick: () => page.send({ kind: "do", verb: "clear", argument: view.column }),
  }, "×");
  clear.dataset.key = `cell clear ${view.column}`;
  const title = element("h4", { class: "wb-cell-title" }, view.title);
  const node = element("section", { class: "wb-cell", "aria-label": view.title },
    element("header", {}, title, element("div", { class: "wb-asked" }, asks, clear)), inner);
  node.dataset.column = view.column;
  return {
    node,
    say(words, held) {
      asks.textContent = words;
      asks.title = words;
      clear.style.setProperty("visibility", held ? "visible" : "hidden");
      node.classList.toggle("wb-held", Boolean(words));
    },
  };
}

// What is said of one bar.
function barWords(view, at, selected) {
  const label = view.labels[at], all = view.total[at];
  if (all === null) return `${label}\nwithheld: too few patients, or it would give a small number away`;
  if (selected[at] === null) return `${label}\nselected: withheld, of ${tally(all)}`;
  const outside = view.chosen && !view.chosen[at];
  return `${label}\n${tally(selected[at])} of ${tally(all)}${outside ? "; not chosen here" : " selected"}`;
}

// Heights of bars: numbers of patients, or shares of all and of the selected; null where withheld.
function heightsOf(view, selected, heights) {
  const of = (counts) => (heights === "shares" ? Math.max(1, counts.reduce((sum, n) => sum + (n ?? 0), 0)) : 1);
  const [all, part] = [view.total, selected].map((counts) => {
    const whole = of(counts);
    return counts.map((n) => (n === null ? null : n / whole));
  });
  const known = [...all, ...(heights === "shares" ? part : [])].filter((n) => n !== null);
  return { all, part, top: Math.max(heights === "shares" ? 1e-9 : 1, ...known) };
}

// ---- Numbers and dates: a histogram, a brush along it, missing values apart ----

function histogramCell(view0, page) {
  let view = view0, heights = "counts", selected = view.selected, left0 = SIDE, range = null, held = null, wide = 0;
  const svg = shape("svg", { class: "wb-plot", height: HEAD + PLOT + FOOT });
  const frame = cellFrame(view, page, svg);
  const id = ownName("hatch");
  const hatch = shape("pattern", { id, width: 5, height: 5, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    shape("rect", { width: 2, height: 5, class: "wb-hatch" }));
  const path = (name) => shape("path", { class: name });
  const [grid, grey, out, blue, withheld, axis] = ["wb-grid", "wb-all", "wb-out", "wb-in", "wb-hidden", "wb-axis"].map(path);
  withheld.setAttribute("fill", `url(#${id})`);
  const texts = shape("g", { class: "wb-ticks" });
  const floor = shape("rect", { class: "wb-brushable", y: HEAD - 6, height: PLOT + 6, tabindex: 0, role: "button" });
  floor.setAttribute("aria-label", `${view.title}: select a range; Enter for the middle half, arrows move it, Escape lets go`);
  floor.dataset.key = `floor ${view.column}`;
  const band = shape("rect", { class: "wb-brush", y: HEAD - 6, height: PLOT + 6 });
  const ends = [0, 1].map((at) => {
    const end = shape("rect", { class: "wb-handle", y: HEAD + PLOT / 4, width: 6, height: PLOT / 2, rx: 3, tabindex: 0, role: "slider" });
    end.setAttribute("aria-label", `${view.title}: ${at ? "upper" : "lower"} end`);
    end.dataset.key = `end ${view.column} ${at}`;
    for (const name of ["aria-valuemin", "aria-valuemax", "aria-valuenow"]) end.setAttribute(name, 0);
    end.style.setProperty("display", "none");
    return end;
  });
  const none = shape("rect", { class: "wb-missing", y: HEAD - 6, height: PLOT + FOOT - 8, tabindex: 0, role: "checkbox" });
  none.dataset.key = `missing ${view.column}`;
  svg.append(shape("defs", {}, hatch), grid, grey, out, blue, withheld, axis, texts, floor, band, ...ends, none);

  const n = view.labels.length - 1; // bins without that of missing values
  const some = () => view.total[n] !== 0;
  const span = () => n + (some() ? BESIDE + 1 : 0);
  const unit = () => (wide - left0 - SIDE) / span();
  const left = (at) => left0 + unit() * (at === n ? n + BESIDE : at);
  const chosen = (at) => {
    if (range && at < n) return at >= range[0] && at < range[1];
    if (held && at < n) return true; // nothing is asked yet
    return !view.chosen || view.chosen[at];
  };
  const rangeOf = (flags) => {
    const first = flags ? flags.indexOf(true) : -1;
    return first < 0 || first >= n || flags.slice(0, n).every(Boolean) ? null : [first, flags.slice(0, n).lastIndexOf(true) + 1];
  };
  const words = () => {
    if (!range) return "";
    const [a, b] = range;
    if (!view.edges) return b - a === 1 ? view.labels[a] : `${view.labels[a]} to ${view.labels[b - 1]}`;
    if (a === 0) return `< ${view.edges[b - 1] ?? ""}`;
    return b === n ? `≥ ${view.edges[a - 1]}` : `${view.edges[a - 1]} to < ${view.edges[b - 1]}`;
  };

  const paint = () => {
    if (!wide) return;
    const { all, part, top } = heightsOf(view, selected, heights), gap = unit() > 5 ? 0.5 : 0, foot = HEAD + PLOT;
    const slim = heights === "shares" ? 0.25 * unit() : 0;
    const bar = (at, height, inset = gap) => {
      const high = Math.max(1, Math.min(PLOT, PLOT * height / top));
      return height ? `M${(left(at) + inset).toFixed(1)} ${foot}v${(-high).toFixed(1)}h${(unit() - 2 * inset).toFixed(1)}V${foot}z` : "";
    };
    let greys = "", blues = "", outs = "", hidden = "";
    for (let at = 0; at <= n; at++) {
      if (all[at] === null) { hidden += bar(at, 0.06 * top); continue; }
      greys += bar(at, all[at]);
      if (part[at] === null) hidden += bar(at, all[at]);
      else if (chosen(at)) blues += bar(at, part[at], Math.max(gap, slim));
      else outs += bar(at, part[at], Math.max(gap, slim));
    }
    grey.setAttribute("d", greys);
    blue.setAttribute("d", blues);
    out.setAttribute("d", outs);
    withheld.setAttribute("d", hidden);
  };
  const paintBrush = () => {
    const show = (node, yes) => node.style.setProperty("display", yes ? "" : "none");
    [band, ...ends].forEach((node) => show(node, range));
    if (!range) return;
    const [a, b] = range.map((at) => left0 + unit() * at);
    band.setAttribute("x", a);
    band.setAttribute("width", b - a);
    ends.forEach((end, at) => {
      end.setAttribute("x", (at ? b : a) - 3);
      for (const [name, value] of [["aria-valuemin", 0], ["aria-valuemax", n], ["aria-valuenow", range[at]], ["aria-valuetext", words()]])
        end.setAttribute(name, value);
    });
  };
  const layout = () => {
    if (!wide) return;
    texts.replaceChildren();
    const write = (text, x, y, anchor) => {
      const node = shape("text", { x, y, "text-anchor": anchor, "font-size": 11.5 });
      node.textContent = text;
      texts.append(node);
      return node;
    };
    paintScale(write);
    floor.setAttribute("x", left0);
    floor.setAttribute("width", unit() * n);
    none.style.setProperty("display", some() ? "" : "none");
    const room = Math.max(unit(), 48), middle = left(n) + unit() / 2;
    const from = Math.min(middle - room / 2, wide - room);
    none.setAttribute("x", from);
    none.setAttribute("width", room);
    const line = HEAD + PLOT + 0.5;
    let d = `M${left0} ${line}H${(left0 + unit() * n).toFixed(1)}`;
    for (const [place, text, x] of ticksThatFit(view.ticks, (at) => left0 + unit() * at, some() ? from - 4 : wide)) {
      d += `M${(left0 + unit() * place).toFixed(1)} ${line}v4`;
      write(text, x, HEAD + PLOT + 17, "start");
    }
    if (some()) {
      d += `M${left(n).toFixed(1)} ${line}h${unit().toFixed(1)}`;
      write("missing", from + room / 2, HEAD + PLOT + 17, "middle");
    }
    axis.setAttribute("d", d);
    paint();
    paintBrush();
  };
  const paintScale = (write) => {
    const { top } = heightsOf(view, selected, heights), step = roundStep(top / 2, heights === "counts");
    const texted = (at) => (heights === "counts" ? tally(at) : `${+(100 * at).toPrecision(3)} %`);
    const places = Array.from({ length: Math.floor(top / step) + 1 }, (_, at) => at * step);
    left0 = Math.max(...places.map((at) => textWidth(texted(at)))) + 9;
    let d = "";
    for (const at of places) {
      const y = HEAD + PLOT - PLOT * at / top;
      if (at) d += `M${left0} ${y.toFixed(1)}H${wide - SIDE}`;
      write(texted(at), left0 - 5, y + 4, "end").setAttribute("class", "wb-count");
    }
    grid.setAttribute("d", d);
  };
  const tell = (moving) => (moving ? page.sendSoon : page.send)({ kind: "brush", name: view.column, range, moving });
  const moved = () => { paint(); paintBrush(); frame.say(words(), range); };

  // The hand
  const xOf = (event) => (event.clientX - svg.getBoundingClientRect().left - left0) / unit();
  const place = (event) => Math.min(n, Math.max(0, Math.round(xOf(event))));
  svg.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || ![floor, band, ...ends].includes(event.target)) return;
    event.preventDefault();
    svg.setPointerCapture(event.pointerId);
    const at = ends.indexOf(event.target), x = xOf(event);
    const way = event.target === band ? "band" : at >= 0 ? "end" : "new";
    held = { way, at, x, start: range?.slice() ?? null, fixed: at >= 0 ? range[1 - at] : Math.round(x), moved: false };
    (event.target === band ? floor : event.target).focus({ preventScroll: true });
    tell(true); // the kernel counts its tiles before the hand moves
  });
  svg.addEventListener("pointermove", (event) => {
    if (!held) return hover(event);
    const before = String(range);
    if (held.way === "band") {
      const by = Math.round(Math.max(-held.start[0], Math.min(n - held.start[1], xOf(event) - held.x)));
      range = held.start.map((each) => each + by);
    } else if (held.moved || Math.abs(xOf(event) - held.x) * unit() > 3) {
      const here = place(event);
      range = [Math.min(held.fixed, here), Math.max(held.fixed, here)];
      if (range[0] === range[1]) range = range[0] < n ? [range[0], range[0] + 1] : [n - 1, n];
    }
    if (String(range) === before) return;
    held.moved = true;
    page.say(`${words()}`, event);
    moved();
    tell(true);
  });
  const release = (event) => {
    if (!held) return;
    const was = held;
    held = null;
    page.say(null);
    if (event.type === "pointercancel") { range = was.start; moved(); tell(false); return; }
    if (was.moved) { moved(); tell(false); return; }
    // A click: one bin alone, or with Ctrl the range up to it.
    const at = Math.min(n - 1, Math.max(0, Math.floor(was.x)));
    const many = event.ctrlKey || event.metaKey || event.shiftKey;
    page.send({ kind: "pick", name: view.column, pick: `${many ? "toggle" : "only"} ${at}` });
  };
  svg.addEventListener("pointerup", release);
  svg.addEventListener("pointercancel", release);
  const hover = (event) => {
    const x = xOf(event), over = x >= n + BESIDE - 0.5 && some() ? n : Math.floor(x);
    if (over < 0 || over > n || (over === n && x < n + BESIDE - 0.5)) return page.say(null);
    page.say(barWords(view, over, selected), event);
  };
  svg.addEventListener("pointerleave", () => { if (!held) page.say(null); });

  // The keyboard
  const steps = (event, at) => {
    const by = MINUS[event.key];
    if (event.key === "Escape" || event.key === "Delete") { if (range) { range = null; moved(); tell(false); } event.stopPropagation(); return; }
    if (at < 0 && event.key === "Enter" && !range) {
      const quarter = Math.floor(n / 4);
      range = [quarter, Math.max(quarter + 1, n - quarter)];
      event.preventDefault();
      moved();
      return tell(false);
    }
    if (by === undefined || !range) return;
    event.preventDefault();
    const next = range.slice();
    if (at >= 0) next[at] = at ? Math.min(n, Math.max(range[0] + 1, range[1] + by)) : Math.max(0, Math.min(range[1] - 1, range[0] + by));
    else {
      const far = Math.max(-range[0], Math.min(n - range[1], by));
      next[0] += far;
      next[1] += far;
    }
    if (String(next) === String(range)) return;
    range = next;
    keyed = true;
    moved();
    tell(true);
  };
  let keyed = false;
  const settle = () => { if (keyed) { keyed = false; tell(false); } };
  for (const [node, at] of [[floor, -1], [ends[0], 0], [ends[1], 1]]) {
    node.addEventListener("keydown", (event) => { if (!event.ctrlKey && !event.metaKey) steps(event, at); });
    node.addEventListener("keyup", settle);
    node.addEventListener("blur", settle);
  }
  const pickMissing = (many) => page.send({ kind: "pick", name: view.column, pick: `${many ? "toggle" : "only"} ${n}` });
  none.addEventListener("click", (event) => pickMissing(event.ctrlKey || event.metaKey || event.shiftKey));
  none.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    pickMissing(event.key === " ");
  });

  new ResizeObserver(([entry]) => { wide = entry.contentRect.width; layout(); }).observe(svg);
  return {
    node: frame.node,
    update(next, nextHeights) {
      view = next;
      heights = nextHeights;
      selected = view.selected;
      if (!held && !keyed) {
        range = rangeOf(view.chosen);
        frame.say(view.asks, view.chosen);
      }
      none.setAttribute("aria-checked", String(Boolean(view.chosen?.[n])));
      none.setAttribute("aria-label", `${view.title}: missing, ${barWords(view, n, selected).split("\n")[1]}`);
      svg.setAttribute("aria-label", view.title);
      layout();
    },
    count(next) {
      selected = next;
      if (heights === "shares") layout();
      else paint();
    },
  };
}

let ruler = null;
function textWidth(text) {
  ruler ??= document.createElement("canvas").getContext("2d");
  ruler.font = '11px "Helvetica Neue", Arial, "Liberation Sans", sans-serif';
  return ruler.measureText(text).width;
}

// The densest row of ticks whose texts do not touch: [place, text, x, anchor].
function ticksThatFit(rows, at, limit) {
  for (const row of rows) {
    let free = -Infinity, fits = true;
    const placed = row.map(([place, text]) => {
      const size = textWidth(text), x = at(place);
      const start = Math.max(0, Math.min(limit - size, x - size / 2));
      fits &&= start > free;
      free = start + size + 6;
      return [place, text, start, "start"];
    });
    if (fits) return placed;
  }
  return [];
}

function roundStep(about, whole) {
  const least = whole ? Math.max(about, 1) : about, power = 10 ** Math.floor(Math.log10(least));
  return [5, 2, 1].map((digit) => digit * power).find((step) => step <= least * (1 + 1e-9)) ?? power;
}

// ---- Levels, and combinations of modalities: a row each ----

function levelsCell(view0, page) {
  let view = view0, heights = "counts", selected = view.selected, at_row = 0;
  const n = view.labels.length - 1;
  const rows = view.labels.map((label, at) => {
    const marks = view.dots?.[at];
    const name = marks
      ? element("span", { class: "wb-dots" }, ...marks.map((has) => element("i", { class: has ? "wb-has" : "" })))
      : element("span", { class: "wb-level" }, label);
    const [grey, blue] = [element("span", { class: "wb-all" }), element("span", { class: "wb-in" })];
    const count = element("span", { class: "wb-n" });
    const node = element("button", { type: "button", class: "wb-level-row", role: "checkbox", tabIndex: at ? -1 : 0 },
      name, element("span", { class: "wb-track" }, grey, blue), count);
    node.dataset.key = `level ${view.column} ${at}`;
    const pick = (many) => page.send({ kind: "pick", name: view.column, pick: `${many ? "toggle" : "only"} ${at}` });
    node.addEventListener("click", (event) => pick(event.ctrlKey || event.metaKey || event.shiftKey));
    node.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey) return;
      if (event.key === " ") { event.preventDefault(); pick(true); }
      if (event.key === "Escape" && view.chosen) page.send({ kind: "do", verb: "clear", argument: view.column });
      const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (by) { event.preventDefault(); step(at, by); }
    });
    node.addEventListener("keyup", (event) => { if (event.key === " ") event.preventDefault(); });
    node.addEventListener("pointermove", (event) => page.say(barWords(view, at, selected), event));
    node.addEventListener("pointerleave", () => page.say(null));
    return { node, grey, blue, count };
  });
  const step = (from, by) => {
    for (let at = from + by; rows[at]; at += by) {
      if (rows[at].node.style.display === "none") continue;
      rows[at_row].node.tabIndex = -1;
      at_row = at;
      rows[at].node.tabIndex = 0;
      return rows[at].node.focus();
    }
  };
  const list = element("div", { class: "wb-levels", role: "group", "aria-label": `${view.title}: Enter selects one, Space adds or takes one away` });
  if (view.modalities) {
    list.classList.add("wb-patterns");
    list.style.setProperty("--wb-dots", view.modalities.length);
    list.append(element("div", { class: "wb-upset", "aria-hidden": "true" }, ...view.modalities.map((name) => element("span", {}, name))));
  }
  list.append(...rows.map((row) => row.node));
  // Room for the longest numbers: bars keep their place, and no page is laid out anew, while they change.
  const longest = Math.max(...view.total.map((count) => textWidth(count === null ? "withheld" : `${tally(count)} / ${tally(count)}`)));
  list.style.setProperty("--wb-longest", `${Math.ceil(longest) + 3}px`);
  const frame = cellFrame(view, page, list);
  const paint = () => {
    const { all: alls, part: parts, top } = heightsOf(view, selected, heights);
    const width = (height) => `${Math.min(100, 100 * height / top).toFixed(2)}%`;
    list.classList.toggle("wb-slim", heights === "shares");
    rows.forEach(({ grey, blue, count }, at) => {
      const all = view.total[at], part = selected[at];
      grey.style.setProperty("width", all === null ? "6%" : width(alls[at]));
      grey.classList.toggle("wb-hidden", all === null || part === null);
      blue.style.setProperty("width", all === null || part === null ? "0" : width(parts[at]));
      count.textContent = all === null ? "withheld" : part === null ? `– / ${tally(all)}` : part === all ? tally(all) : `${tally(part)} / ${tally(all)}`;
    });
  };
  return {
    node: frame.node,
    update(next, nextHeights) {
      view = next;
      heights = nextHeights;
      selected = view.selected;
      frame.say(view.asks, view.chosen);
      rows.forEach(({ node }, at) => {
        const outside = view.chosen && !view.chosen[at];
        node.style.setProperty("display", at === n && view.total[n] === 0 ? "none" : "");
        node.classList.toggle("wb-outside", Boolean(outside));
        node.setAttribute("aria-checked", String(Boolean(view.chosen?.[at])));
        node.setAttribute("aria-label", barWords(view, at, selected).replace("\n", ", "));
      });
      paint();
    },
    count(next) { selected = next; paint(); },
  };
}

// ---- Survival of the selected and of the others ----

parts.survival = (first, page) => {
  const HIGH = 240, TOP = 10, RIGHT = 16, BOTTOM = 42, NAME = 76, LETTER = 6.6;
  const svg = shape("svg", { class: "wb-scene", role: "img" });
  const names = ["Selected", "Not selected"];
  const note = element("p", { class: "wb-note" });
  const risk = element("div", { class: "wb-risk", role: "table", "aria-label": "Patients at risk" });
  const key = element("div", { class: "wb-key" }, ...names.map((name, at) =>
    element("span", {}, element("i", { class: `wb-curve-${at}` }), name)));
  const node = element("section", { class: "wb-curves", "aria-label": "Survival" },
    element("h4", { class: "wb-cell-title" }, "Survival"), key, svg, risk, note);
  let data = first.data, asked = false, wide = 440, left = NAME;
  const x = (t) => left + (wide - left - RIGHT) * t / data.end;
  const y = (s) => TOP + (HIGH - TOP - BOTTOM) * (1 - s);
  const grid = shape("path", { class: "wb-grid" }), axis = shape("path", { class: "wb-axis" }), texts = shape("g", { class: "wb-ticks" });
  const lines = names.map((_, at) => shape("path", { class: `wb-line wb-curve-${at}` }));
  const cursor = shape("path", { class: "wb-cursor" });
  svg.append(grid, axis, texts, lines[1], lines[0], cursor);
  const frame = () => {
    const write = (text, at, down, anchor) => {
      const each = shape("text", { x: at, y: down, "text-anchor": anchor, "font-size": 11.5 });
      each.textContent = text;
      texts.append(each);
    };
    // The first number at risk stands under time 0, and right of the names.
    const firsts = data.curves.filter(Boolean).map((curve) => curve.n_at_risk[0]);
    const everyone = firsts.reduce((n, each) => n + each, 0);
    left = NAME + LETTER / 2 * Math.max(...[everyone, ...firsts].map((n) => tally(n).length));
    svg.setAttribute("viewBox", `0 0 ${wide} ${HIGH}`);
    texts.replaceChildren();
    let g = "", a = `M${left} ${y(0)}H${wide - RIGHT}`;
    for (const s of [0, 0.25, 0.5, 0.75, 1]) {
      if (s) g += `M${left} ${y(s)}H${wide - RIGHT}`;
      write(`${100 * s} %`, left - 6, y(s) + 4, "end");
    }
    for (const [t, text] of data.ticks) {
      if (t > data.end) continue;
      a += `M${x(t).toFixed(1)} ${y(0)}v4`;
      write(text, x(t), y(0) + 17, "middle");
    }
    write(`Time from the index date${data.unit ? ` (${data.unit})` : ""}`, (left + wide - RIGHT) / 2, HIGH - 6, "middle");
    grid.setAttribute("d", g);
    axis.setAttribute("d", a);
  };
  const paint = (message) => {
    const curves = message.curves;
    lines.forEach((line, at) => {
      const curve = curves[at];
      let d = "";
      curve?.time.forEach((t, i) => { d += i ? `H${x(t).toFixed(1)}V${y(curve.survival[i]).toFixed(1)}` : `M${x(t).toFixed(1)} ${y(curve.survival[i]).toFixed(1)}`; });
      line.setAttribute("d", d);
      key.children[at].style.setProperty("visibility", curve ? "" : "hidden");
    });
    note.textContent = message.note;
    note.style.setProperty("display", message.note ? "" : "none");
    data = { ...data, ...message };
    atRisk();
  };
  // A row under the curves for each of them, every number under its time; of many, those that fit.
  const atRisk = () => {
    const found = (curve, t) => { const at = curve.time.findLastIndex((each) => each <= t + 1e-9);
      return `${Math.abs(curve.time[at] - t) < 1e-9 ? "" : "≤ "}${tally(curve.n_at_risk[at])}`; };
    const there = data.ticks.filter(([t]) => t <= data.end);
    const longest = Math.max(0, ...data.curves.filter(Boolean).flatMap((curve) => there.map(([t]) => found(curve, t).length)));
    const every = there.length < 2 ? 1 : Math.ceil((longest + 1) * LETTER / (x(there[1][0]) - x(there[0][0])));
    const ticks = there.filter((_, i) => i % every === 0);
    const row = (curve, at) => element("div", { role: "row" }, element("span", { role: "rowheader" }, names[at]),
      ...ticks.map(([t, text]) => {
        const cell = element("span", { role: "cell", "aria-label": `${found(curve, t)} at ${text} ${data.unit || ""}` }, found(curve, t));
        cell.style.setProperty("left", `${(100 * x(t) / wide).toFixed(2)}%`); // also before the size is known
        return cell;
      }));
    risk.replaceChildren(element("div", { class: "wb-risk-title" }, "Patients at risk"),
      ...data.curves.map((curve, at) => curve && row(curve, at)).filter(Boolean));
  };
  new ResizeObserver(([entry]) => {
    const now = Math.round(entry.contentRect.width);
    if (!now || now === wide) return;
    wide = now;
    frame();
    paint(data);
  }).observe(node);
  svg.addEventListener("pointermove", (event) => {
    const [px] = inScene(svg, event), t = (px - left) / (wide - left - RIGHT) * data.end;
    if (t < 0 || t > data.end) return leave();
    const said = [];
    data.curves.forEach((curve, at) => {
      if (!curve) return;
      const i = curve.time.findLastIndex((each) => each <= t);
      said.push(`${names[at]}: ${(100 * curve.survival[i]).toFixed(1)} %, ${tally(curve.n_at_risk[i])} at risk at ${curve.time[i]}`);
    });
    cursor.setAttribute("d", `M${px.toFixed(1)} ${TOP}V${y(0)}`);
    page.say(said.join("\n") || null, event);
  });
  const leave = () => { cursor.setAttribute("d", ""); page.say(null); };
  svg.addEventListener("pointerleave", leave);
  const update = (block) => {
    data = block.data;
    frame();
    paint(data);
    svg.setAttribute("aria-label", data.curves.map((curve, at) => curve
      ? `${names[at]}: ${tally(curve.n_at_risk[0])} patients, ${(100 * curve.survival.at(-1)).toFixed(0)} % at ${curve.time.at(-1)} ${data.unit}` : "").filter(Boolean).join("; ") || data.note);
    if (data.exact) asked = false;
    else if (!asked) {
      asked = true; // drawn first, then made exact
      setTimeout(() => page.sendSoon({ kind: "pick", name: "survival", pick: "exact" }), 60);
    }
    return true;
  };
  update(first);
  onCounts(page, node, paint);
  return { node, update };
};

// ---- Text to take along ----

parts.code = (first) => {
  const text = element("pre", { class: "wb-code", tabIndex: 0 });
  const copy = element("button", {
    type: "button", class: "wb-button",
    onclick: async () => {
      const chosen = document.createRange();
      chosen.selectNodeContents(text);
      getSelection().removeAllRanges();
      getSelection().addRange(chosen);
      if (navigator.clipboard) await navigator.clipboard.writeText(text.textContent);
      else document.execCommand("copy");
      copy.textContent = "Copied";
      setTimeout(() => { copy.textContent = "Copy"; }, 1500);
    },
  }, "Copy");
  const label = element("div", { class: "wb-code-head" });
  const update = (block) => { text.textContent = block.data.text; label.replaceChildren(block.data.label, copy); return true; };
  update(first);
  return { node: element("div", {}, label, text), update };
};
