// The page of every widget: blocks come as JSON, and what a person does goes back as one of five
// typed messages. Nothing here computes a number, asks the network, or runs text as code.

const SVG = "http://www.w3.org/2000/svg";
// Colours of paper → colours of the theme (kit.css).
const INKS = {
  "#1c2733": "ink", "#5b6875": "grey", "#d5dbe1": "rule", "#0072b2": "blue", "#d55e00": "vermilion",
  "#009e73": "green", "#aa4499": "purple", "#b4bdc7": "pale", "white": "ground", "#ffffff": "ground",
};
const parts = {}; // kind → (block, page) → { node, update }: drawers that single widgets add
// Each widget on a page loads this script for itself: what two of them name must differ.
const own = Math.random().toString(36).slice(2, 10);
let named = 0;
const ownName = (what) => `wb-${what}-${own}-${++named}`;

const ink = (color) => (color ? `var(--wb-${INKS[color.toLowerCase()] ?? "none"}, ${color})` : "none");

const SHARE = 260; // pixels: shares of four lie side by side in a notebook on a narrow screen

function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  set(node, properties);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function shape(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function set(node, properties) {
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "class") node.className = value;
    else if (name.includes("-") || name === "role" || name === "for" || name === "list")
      value === null ? node.removeAttribute(name) : node.setAttribute(name, value);
    else if (name === "style") for (const [key, each] of Object.entries(value)) node.style.setProperty(key, each);
    else node[name] = value;
  }
}

// ---- Lists of blocks: what did not change is left alone, so that focus and scrolling stay ----

function blockList(page, host) {
  let shown = [];
  return (blocks) => {
    const next = blocks.map((block, at) => {
      const key = `${block.kind}/${block.name ?? ""}/${block.drawn_by ?? ""}`;
      const text = JSON.stringify(block);
      const index = shown.findIndex((each) => each.key === key && !each.taken);
      const old = index >= 0 ? shown[index] : null;
      if (old) {
        old.taken = true;
        if (old.text === text || old.update(block)) return { ...old, text, taken: false };
      }
      const made = drawers[block.kind](block, page);
      return { key, text, node: made.node, update: made.update ?? (() => false) };
    });
    const focus = focusKey(host);
    next.forEach((each, at) => {
      if (host.childNodes[at] !== each.node) host.insertBefore(each.node, host.childNodes[at] ?? null);
    });
    while (host.childNodes.length > next.length) host.lastChild.remove();
    shown = next;
    restoreFocus(host, focus);
  };
}

function focusKey(host) {
  const active = host.getRootNode().activeElement;
  return active && host.contains(active) ? active.closest("[data-key]")?.dataset.key : null;
}

function restoreFocus(host, key) {
  if (!key || host.contains(host.getRootNode().activeElement)) return;
  for (const node of host.querySelectorAll("[data-key]")) if (node.dataset.key === key) return node.focus({ preventScroll: true });
}

// ---- Words ----

const drawers = {
  words(block) {
    const tag = block.heading ? `h${block.heading + 2}` : "p";
    return { node: element(tag, { class: "wb-words" }, block.text) };
  },

  code(block) {
    const node = element("pre", { class: "wb-code", role: "region", tabIndex: 0, "aria-label": "Text to copy" }, block.text);
    node.dataset.key = `code ${block.name}`;
    return { node, update: (each) => (node.textContent = each.text, true) };
  },

  notice(block) {
    const names = { note: "Note", warning: "Warning", problem: "Not done" };
    const role = block.level === "problem" ? "alert" : "note";
    return {
      node: element("p", { class: `wb-notice wb-${block.level}`, role },
        element("strong", {}, `${names[block.level]}: `), block.text),
    };
  },

  progress(block) {
    const bar = element("progress", { max: Math.max(block.total, 1), value: block.done, "aria-label": block.label });
    const words = element("span", { class: "wb-progress-words" });
    const update = (each) => {
      set(bar, { max: Math.max(each.total, 1), value: each.done, "aria-label": each.label });
      words.textContent = `${each.label}: ${each.done.toLocaleString("en-GB")} of ${each.total.toLocaleString("en-GB")}${each.detail ? ` · ${each.detail}` : ""}`;
      return true;
    };
    update(block);
    return { node: element("div", { class: "wb-progress", role: "status" }, words, bar), update };
  },

  row(block, page) {
    const node = element("div", { class: "wb-row" });
    const draw = blockList(page, node);
    const update = (each) => {
      draw(each.blocks);
      each.blocks.forEach((_, at) => node.childNodes[at].style.setProperty("flex-grow", each.shares[at] ?? 1));
      each.blocks.forEach((_, at) => node.childNodes[at].style.setProperty("flex-basis", each.shares[at] ? `${Math.round(each.shares[at] * SHARE)}px` : `${SHARE}px`));
      return true;
    };
    update(block);
    return { node, update };
  },

  section(block, page) {
    const body = element("div", { class: "wb-section-body" });
    const title = element("summary", {}, block.title);
    title.dataset.key = `section ${block.name}`;
    const node = element("details", { class: "wb-section", open: block.open }, title, body);
    const draw = blockList(page, body);
    const update = (each) => (title.textContent = each.title, draw(each.blocks), true);
    update(block);
    return { node, update };
  },

  controls(block, page) {
    const node = element("div", { class: "wb-controls" });
    let made = [];
    const update = (each) => {
      const kinds = each.controls.map((c) => `${c.kind}/${c.field ?? c.verb}/${c.argument ?? ""}`);
      if (made.map((m) => m.key).join() !== kinds.join()) {
        const focus = focusKey(node);
        made = each.controls.map((c, at) => ({ key: kinds[at], ...controls[c.kind](c, page) }));
        node.replaceChildren(...made.map((m) => m.node));
        restoreFocus(node, focus);
      }
      each.controls.forEach((c, at) => made[at].update(c));
      return true;
    };
    update(block);
    return { node, update };
  },

  table(block, page) {
    return { node: tableNode(block, page) };
  },

  figure(block, page) {
    return figure(block, page);
  },

  private(block, page) {
    const node = element("div", { class: "wb-private" });
    const draw = blockList(page, node);
    page.received.push((message) => {
      if (message?.kind === "private" && message.name === block.name) draw(message.blocks);
    });
    let version = block.version;
    page.ask(block.name);
    const update = (each) => {
      if (each.version !== version) page.ask(each.name);
      version = each.version;
      return true;
    };
    return { node, update };
  },

  picture(block) {
    // An image element runs nothing and asks nobody, whatever the SVG holds.
    const image = element("img", { src: `data:image/svg+xml;charset=utf-8,${encodeURIComponent(block.svg)}`, alt: block.description });
    const caption = block.caption ? element("figcaption", {}, block.caption) : null;
    return { node: element("figure", { class: "wb-picture" }, image, caption) };
  },

  part(block, page) {
    const made = parts[block.drawn_by](block, page);
    if (!block.table) return made;
    const folded = element("div");
    const node = element("div", { class: "wb-part" }, made.node, folded);
    const update = (each) => {
      if (made.update && !made.update(each)) return false;
      folded.replaceChildren(tableNode({ ...each.table, folded: true }, page));
      return true;
    };
    folded.replaceChildren(tableNode({ ...block.table, folded: true }, page));
    return { node, update };
  },
};

// ---- Controls: each a label, the thing itself, and what it changes ----

function labelled(control, inner, extra = null) {
  inner.dataset.key = `field ${control.field}`;
  inner.id = ownName("field");
  const label = element("label", { for: inner.id }, control.label);
  const node = element("div", { class: `wb-control wb-${control.kind}` }, label, inner, extra);
  if (control.hint) node.title = control.hint;
  return node;
}

// An entry ends with Enter, or when it is left. JupyterLab keeps the browser from hearing Enter.
function ends(inner, send) {
  let known = null;
  const end = () => {
    if (inner.value === known) return;
    known = inner.value;
    send();
  };
  inner.addEventListener("focus", () => { known = inner.value; });
  inner.addEventListener("change", end);
  inner.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    end();
  });
  return inner;
}

const withUnit = (value, unit) => (value === null ? "" : `${+(+value).toPrecision(12)}${unit ? ` ${unit}` : ""}`);
const isActive = (node) => node.getRootNode().activeElement === node;

const controls = {
  choice(first, page) {
    const inner = element("select", {
      onchange: () => page.send({ kind: "change", field: first.field, value: inner.value }),
    });
    let options = "";
    const update = (c) => {
      if (options !== JSON.stringify(c.options)) {
        options = JSON.stringify(c.options);
        inner.replaceChildren(...c.options.map(([value, text]) => element("option", { value }, text)));
      }
      inner.value = c.value;
    };
    return { node: labelled(first, inner), update };
  },

  several(first, page) {
    const box = element("div", { class: "wb-several-box" });
    const legend = element("legend", {}, first.label);
    const node = element("fieldset", { class: "wb-control wb-several", title: first.hint }, legend, box);
    let options = "";
    const update = (c) => {
      if (options !== JSON.stringify(c.options)) {
        options = JSON.stringify(c.options);
        box.replaceChildren(...c.options.map(([value, text]) => {
          const tick = element("input", {
            type: "checkbox", value,
            onchange: () => page.send({
              kind: "change", field: c.field,
              value: [...box.querySelectorAll("input:checked")].map((each) => each.value),
            }),
          });
          tick.dataset.key = `field ${c.field} ${value}`;
          return element("label", {}, tick, text);
        }));
      }
      for (const tick of box.querySelectorAll("input")) tick.checked = c.values.includes(tick.value);
    };
    return { node, update };
  },

  slider(first, page) {
    let current = first;
    const said = element("output", {});
    const inner = element("input", {
      type: "range",
      oninput: () => { said.textContent = withUnit(+inner.value, current.unit); page.sendSoon({ kind: "change", field: first.field, value: +inner.value }); },
    });
    const update = (c) => {
      current = c;
      set(inner, { min: c.low, max: c.high, step: c.step });
      inner.setAttribute("aria-valuetext", withUnit(c.value, c.unit));
      if (isActive(inner) && page.waiting()) return; // the hand is ahead of the kernel
      inner.value = c.value;
      said.textContent = withUnit(c.value, c.unit);
    };
    return { node: labelled(first, inner, said), update };
  },

  number(first, page) {
    let current = first;
    const inner = ends(element("input", { type: "number", step: "any" }), () => {
      const value = inner.value === "" ? null : +inner.value;
      page.send({ kind: "change", field: first.field, value });
    });
    const unit = element("span", { class: "wb-unit" });
    const update = (c) => {
      current = c;
      set(inner, { min: c.low ?? "", max: c.high ?? "" });
      if (!isActive(inner)) inner.value = c.value === null ? "" : c.value;
      unit.textContent = c.unit;
    };
    return { node: labelled(first, inner, unit), update };
  },

  textentry(first, page) {
    const inner = ends(element("input", {
      type: "text", class: first.longest > 200 ? "wb-long" : "", maxLength: first.longest, spellcheck: false, autocomplete: "off",
    }), () => page.send({ kind: "change", field: first.field, value: inner.value }));
    if (first.longest <= 12) inner.style.setProperty("width", "108px");
    const offers = element("datalist", { id: ownName("offers") });
    inner.setAttribute("list", offers.id);
    const update = (c) => {
      if (!isActive(inner)) inner.value = c.value;
      offers.replaceChildren(...c.suggestions.map((value) => element("option", { value })));
    };
    return { node: labelled(first, inner, offers), update };
  },

  switch(first, page) {
    const inner = element("input", {
      type: "checkbox", role: "switch",
      onchange: () => page.send({ kind: "change", field: first.field, value: inner.checked }),
    });
    return { node: labelled(first, inner), update: (c) => { inner.checked = c.value; } };
  },

  button(first, page) {
    const node = element("button", {
      type: "button", title: first.hint,
      onclick: () => page.send({ kind: "do", verb: first.verb, argument: first.argument }),
    });
    node.dataset.key = `do ${first.verb} ${first.argument}`;
    const update = (c) => {
      node.textContent = c.label;
      node.disabled = !c.enabled;
      node.className = `wb-button${c.primary ? " wb-primary" : ""}`;
    };
    return { node, update };
  },
};

// ---- Tables ----

function tableNode(block, page) {
  // Numbers with limits and units stand under each other; a sentence that begins with one does not.
  const isNumber = (text) => /^[<>+−-]?[\d.,]/.test(text) && !/[a-z]{4,}/i.test(text.replace(/not reached|withheld|reference/g, ""));
  const isNone = (text) => /^$|^(not |withheld|–|—|-$)/.test(text);
  const numeric = block.head.map((_, at) => at > 0 && block.rows.some((row) => isNumber(row[at]))
    && block.rows.every((row) => isNumber(row[at]) || isNone(row[at])));
  const head = element("tr", {}, ...block.head.map((text, at) => {
    const th = element("th", { class: numeric[at] ? "wb-number" : "" }, text);
    th.scope = "col";
    return th;
  }));
  const rows = block.rows.map((row, at) => {
    const cells = row.map((text, column) => {
      const node = element(column ? "td" : "th", { class: numeric[column] ? "wb-number" : "" });
      if (!column) node.scope = "row";
      if (!column && block.picks[at] !== undefined) {
        const choose = element("button", {
          type: "button", class: "wb-link", "aria-pressed": String(block.chosen === at),
          onclick: () => page.send({ kind: "pick", name: block.name, pick: block.picks[at] }),
        }, text);
        choose.dataset.key = `pick ${block.name} ${block.picks[at]}`;
        node.append(choose);
      } else node.textContent = text;
      return node;
    });
    return element("tr", { class: block.chosen === at ? "wb-chosen" : "" }, ...cells);
  });
  const table = element("table", { class: "wb-table" },
    block.caption && !block.folded ? element("caption", {}, block.caption) : null,
    element("thead", {}, head), element("tbody", {}, ...rows));
  const scroll = element("div", { class: "wb-scroll", role: "region", tabIndex: 0, "aria-label": block.caption || "Table" }, table);
  scroll.dataset.key = `table ${block.name}`;
  if (!block.folded) return scroll;
  const summary = element("summary", {}, block.caption);
  summary.dataset.key = `fold ${block.name}`;
  const node = element("details", { class: "wb-folded", open: page.opened.has(block.name) }, summary, scroll);
  node.addEventListener("toggle", () => node.open ? page.opened.add(block.name) : page.opened.delete(block.name));
  return node;
}

// ---- Figures: a scene in pixels, numbers under the pointer, series to choose, ranges to brush ----

function sceneNode(scene, block, page) {
  const id = ownName("figure");
  const svg = shape("svg", {
    viewBox: `0 0 ${scene.width} ${scene.height}`, role: "img", "aria-label": scene.description, class: "wb-scene",
  });
  svg.style.setProperty("max-width", `${scene.width}px`);
  svg.append(shape("defs", {}, ...scene.frames.map((f, at) =>
    shape("clipPath", { id: `${id}-clip-${at}` }, shape("rect", { x: f.left, y: f.top, width: f.width, height: f.height })))));
  const hatches = new Set(scene.shapes.filter((each) => each.hatched).map((each) => each.fill));
  for (const color of hatches) {
    const lines = shape("path", { d: "M0 0V6" });
    lines.style.setProperty("stroke", ink(color));
    lines.style.setProperty("stroke-width", "1.6px");
    svg.firstChild.append(shape("pattern", {
      id: `${id}-hatch-${color.replace("#", "")}`, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)",
    }, lines));
  }
  for (const each of scene.shapes) {
    const node = shape("path", { d: each.d });
    const style = node.style;
    style.setProperty("fill", each.hatched ? `url(#${id}-hatch-${each.fill.replace("#", "")})` : ink(each.fill));
    if (each.stroke) {
      style.setProperty("stroke", ink(each.stroke));
      style.setProperty("stroke-width", `${each.width ?? 1}px`);
      style.setProperty("stroke-linejoin", "round");
    }
    if (each.dash) style.setProperty("stroke-dasharray", each.dash.join(" "));
    if (each.opacity !== undefined) style.setProperty("opacity", each.opacity);
    if (each.panel !== undefined) node.setAttribute("clip-path", `url(#${id}-clip-${each.panel})`);
    if (each.hover) { node.dataset.hover = each.hover; node.classList.add("wb-says"); }
    if (each.series) node.dataset.series = each.series;
    svg.append(node);
  }
  for (const each of scene.texts) svg.append(textNode(each));
  return svg;
}

function textNode(each) {
  const node = shape("text", { "text-anchor": each.anchor, "font-size": each.size });
  node.style.setProperty("fill", ink(each.color));
  if (each.bold) node.style.setProperty("font-weight", "600");
  if (each.upright) node.setAttribute("transform", `rotate(-90 ${each.x} ${each.y})`);
  if (each.series) node.dataset.series = each.series;
  const lines = each.text.split("\n");
  const first = each.y - (lines.length - 1) * 0.6 * each.size;
  lines.forEach((line, at) => node.append(Object.assign(
    shape("tspan", { x: each.x, y: first + at * 1.2 * each.size, dy: "0.35em" }), { textContent: line })));
  return node;
}

function figure(block, page) {
  const node = element("figure", { class: "wb-figure" });
  node.dataset.name = block.name;
  const update = (each) => {
    if (node.dataset.held) { node.pending = each; return true; } // never redrawn under the hand
    const svg = sceneNode(each.scene, each, page);
    node.replaceChildren(svg);
    hovering(svg, each.scene, page);
    choosing(svg, each, page);
    if (each.brush >= 0) brushing(svg, each, node, update, page);
    return true;
  };
  update(block);
  return { node, update };
}

const inScene = (svg, event) => {
  const box = svg.getBoundingClientRect(), view = svg.viewBox.baseVal;
  return [(event.clientX - box.left) * view.width / box.width, (event.clientY - box.top) * view.height / box.height];
};

function hovering(svg, scene, page) {
  const mark = shape("circle", { r: 4, class: "wb-spot" });
  mark.style.setProperty("display", "none");
  svg.append(mark);
  const leave = () => { mark.style.setProperty("display", "none"); page.say(null); };
  svg.addEventListener("pointermove", (event) => {
    const said = event.target.dataset?.hover;
    if (said) { mark.style.setProperty("display", "none"); return page.say(said, event); }
    const [x, y] = inScene(svg, event);
    let best = null, least = 26 * 26;
    for (const spot of scene.spots) {
      const far = (spot[0] - x) ** 2 + ((spot[1] - y) * 0.6) ** 2;
      if (far < least) [best, least] = [spot, far];
    }
    if (!best) return leave();
    mark.setAttribute("cx", best[0]);
    mark.setAttribute("cy", best[1]);
    mark.style.removeProperty("display");
    page.say(best[3], event);
  });
  svg.addEventListener("pointerleave", leave);
}

function choosing(svg, block, page) {
  const seen = new Set();
  for (const [series, words] of block.picks) {
    for (const node of svg.querySelectorAll("[data-series]")) {
      if (node.dataset.series !== series) continue;
      node.classList.add("wb-pick");
      const choose = () => page.send({ kind: "pick", name: block.name, pick: series });
      node.addEventListener("click", choose);
      if (node.tagName !== "text" || seen.has(series)) continue;
      seen.add(series);
      for (const [name, value] of Object.entries({ tabindex: 0, role: "button", "aria-label": words })) node.setAttribute(name, value);
      node.dataset.key = `pick ${block.name} ${series}`;
      node.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(); }
      });
    }
  }
  if (block.picks.length) { svg.removeAttribute("role"); svg.setAttribute("role", "group"); }
}

function brushing(svg, block, host, redraw, page) {
  const frame = block.scene.frames[block.brush];
  const ends = frame.x_log ? frame.x.map(Math.log) : frame.x;
  const value = (x) => {
    const share = Math.min(1, Math.max(0, (x - frame.left) / frame.width));
    const at = ends[0] + share * (ends[1] - ends[0]);
    return frame.x_log ? Math.exp(at) : at;
  };
  const place = (v) => frame.left + frame.width * ((frame.x_log ? Math.log(v) : v) - ends[0]) / (ends[1] - ends[0]);
  const band = shape("rect", { y: frame.top, height: frame.height, class: "wb-brush" });
  const floor = shape("rect", { x: frame.left, y: frame.top, width: frame.width, height: frame.height, class: "wb-brushable" });
  let range = block.brushed;
  const show = () => {
    band.style.setProperty("display", range ? "" : "none");
    if (!range) return handles.forEach((h) => h.style.setProperty("display", "none"));
    const [a, b] = [place(range[0]), place(range[1])];
    band.setAttribute("x", Math.min(a, b));
    band.setAttribute("width", Math.abs(b - a));
    handles.forEach((h, at) => {
      h.style.removeProperty("display");
      h.setAttribute("x", place(range[at]) - 3);
      h.setAttribute("aria-valuenow", range[at]);
      h.setAttribute("aria-valuetext", `${+range[at].toPrecision(4)}`);
    });
  };
  const send = (moving) => (moving ? page.sendSoon : page.send)({ kind: "brush", name: block.name, range, moving });
  const handles = [0, 1].map((at) => {
    const h = shape("rect", {
      y: frame.top + frame.height / 4, width: 6, height: frame.height / 2, rx: 3, class: "wb-handle", tabindex: 0, role: "slider",
      "aria-label": at ? "Upper end of the range" : "Lower end of the range",
      "aria-valuemin": frame.x[0], "aria-valuemax": frame.x[1], "aria-valuenow": frame.x[at],
    });
    h.dataset.key = `brush ${block.name} ${at}`;
    h.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageUp: 10, PageDown: -10 }[event.key];
      if (step === undefined) { if (event.key === "Escape") { range = null; show(); send(false); } return; }
      event.preventDefault();
      range = range.slice();
      range[at] = value(place(range[at]) + step * frame.width / 100);
      range.sort((p, q) => p - q);
      show(); send(false);
    });
    return h;
  });
  floor.setAttribute("tabindex", 0);
  floor.setAttribute("role", "button");
  floor.setAttribute("aria-label", "Select a range: drag, or press Enter for the middle half");
  floor.dataset.key = `brush ${block.name}`;
  floor.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    range = [value(frame.left + frame.width / 4), value(frame.left + frame.width * 0.75)];
    show(); send(false);
  });
  let from = null, held = null;
  const down = (event) => {
    const [x] = inScene(svg, event);
    event.preventDefault();
    svg.setPointerCapture(event.pointerId);
    from = x;
    const on = handles.indexOf(event.target);
    held = event.target === band ? { kind: "band", range: range.slice() } : on >= 0 ? { kind: "end", at: on } : { kind: "new" };
    host.dataset.held = "yes";
  };
  for (const node of [floor, band, ...handles]) node.addEventListener("pointerdown", down);
  svg.addEventListener("pointermove", (event) => {
    if (from === null) return;
    const [x] = inScene(svg, event);
    if (held.kind === "band") {
      const by = x - from, [a, b] = held.range.map(place);
      range = [value(a + by), value(b + by)];
    } else if (held.kind === "end") {
      range = range.slice();
      range[held.at] = value(x);
    } else if (Math.abs(x - from) > 2) range = [value(Math.min(from, x)), value(Math.max(from, x))];
    else return;
    show(); send(true);
  });
  const up = (event) => {
    if (from === null) return;
    const [x] = inScene(svg, event);
    if (held.kind === "new" && Math.abs(x - from) <= 2) range = null; // a click lets go
    if (range) range = [Math.min(...range), Math.max(...range)];
    from = null;
    delete host.dataset.held;
    show(); send(false);
    if (host.pending) { const later = host.pending; host.pending = null; redraw({ ...later, brushed: range }); }
  };
  svg.addEventListener("pointerup", up);
  svg.addEventListener("pointercancel", up);
  svg.append(floor, band, ...handles);
  svg.setAttribute("role", "group");
  show();
}

// ---- The page: a model on one side, blocks on the other, one message under way at a time ----

function render({ model, el }) {
  const root = element("div", { class: "wb-root", role: "group" });
  const heading = element("h2", { class: "wb-title" });
  const state = element("span", { class: "wb-state", role: "status", "aria-live": "polite" });
  const body = element("div", { class: "wb-body" });
  const said = element("div", { class: "wb-said", "aria-hidden": "true" });
  root.append(element("div", { class: "wb-head" }, heading, state), body, said);
  el.append(root);

  // Keys pressed here are not JupyterLab's (x would cut the cell), but for those with Ctrl or Cmd. It
  // looks at the pressed element alone, in the capture phase of the document: this comes before.
  const own_keys = (event) => {
    if (!root.contains(event.target)) return;
    const ours = !(event.ctrlKey || event.metaKey) || event.key.toLowerCase() === "z";
    event.target.toggleAttribute("data-lm-suppress-shortcuts", ours);
  };
  window.addEventListener("keydown", own_keys, true);

  let under_way = false, next = null, slow = 0, silent = 0;
  const post = (message) => {
    under_way = true;
    slow = setTimeout(() => { root.classList.add("wb-busy"); state.textContent = "Working…"; }, 250);
    silent = setTimeout(() => {
      state.textContent = "No answer from the kernel: it is busy, or it was restarted. The picture stays; to go on, run the notebook again from its first cell.";
    }, 15000);
    tell(message);
  };
  const dead = () => { state.textContent = "The kernel has stopped. The picture stays; to go on, run the notebook again from its first cell."; };
  // Where the kernel was restarted nothing can be sent any more.
  const tell = (message) => {
    try { model.send(message); } catch { clearTimeout(slow); clearTimeout(silent); dead(); }
  };
  const done = () => {
    under_way = false;
    clearTimeout(slow);
    clearTimeout(silent);
    root.classList.remove("wb-busy");
    state.textContent = "";
    if (next) { const message = next; next = null; post(message); }
  };
  const queue = [];
  const page = {
    model, root, tell, opened: new Set(), received: [],
    waiting: () => under_way || next !== null,
    // What must arrive waits its turn; what is only on its way is replaced by what comes later.
    send(message) {
      next = null;
      if (!under_way) return post(message);
      queue.push(message);
    },
    ask(name) {
      if (queue.some((each) => each.kind === "ask" && each.name === name)) return;
      under_way ? queue.push({ kind: "ask", name }) : post({ kind: "ask", name });
    },
    sendSoon(message) {
      if (under_way || queue.length) next = message;
      else post(message);
    },
    say(text, event) {
      said.textContent = text ?? "";
      said.style.setProperty("display", text ? "block" : "none");
      if (!text) return;
      const box = root.getBoundingClientRect(), own = said.getBoundingClientRect();
      const x = Math.min(event.clientX - box.left + 14, box.width - own.width - 4);
      said.style.setProperty("left", `${Math.max(4, x)}px`);
      said.style.setProperty("top", `${event.clientY - box.top + 16}px`);
    },
  };
  const draw = blockList(page, body);
  const refresh = () => {
    const view = model.get("view");
    if (!view.blocks) return;
    heading.textContent = view.title;
    heading.style.setProperty("display", view.title ? "" : "none");
    root.setAttribute("aria-label", view.title || "Widget");
    draw(view.blocks);
  };
  const listen = (message, buffers) => {
    if (message?.kind === "done") {
      done();
      if (!under_way && queue.length) post(queue.shift());
    } else for (const receiver of page.received) receiver(message, buffers);
  };
  model.on("change:view", refresh);
  model.on("msg:custom", listen);
  model.on("comm:close", dead);
  refresh();
  return () => {
    model.off("change:view", refresh);
    model.off("msg:custom", listen);
    model.off("comm:close", dead);
    window.removeEventListener("keydown", own_keys, true);
    clearTimeout(slow);
    clearTimeout(silent);
  };
}

export default { render };
