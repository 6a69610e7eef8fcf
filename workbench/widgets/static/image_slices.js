// What the page keeps of a volume, and what it asks the kernel for: the slices that are looked at,
// and a few that the hand will come to. The volume as a whole never comes here.

const ARRAYS = { uint8: Uint8Array, int16: Int16Array, uint16: Uint16Array, float32: Float32Array };
const MOST_BYTES = 32 * 2 ** 20; // of slices kept
const AHEAD = 12, AROUND = 3; // slices beyond the one looked at: under way, and at rest
const PAUSE = 1500, LOST = 10000; // ms after which a hand has stopped, and a question has no answer

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

// Slices by key, as many as fit; what was seen last stays longest.
function sliceRing(most) {
  const kept = new Map();
  let bytes = 0;
  const drop = (key) => { bytes -= kept.get(key).bytes; kept.delete(key); };
  return {
    has: (key) => kept.has(key),
    get(key) {
      const slice = kept.get(key);
      if (slice) { kept.delete(key); kept.set(key, slice); }
      return slice;
    },
    put(key, slice) {
      if (kept.has(key)) drop(key);
      kept.set(key, slice);
      bytes += slice.bytes;
      for (const old of kept.keys()) {
        if (bytes <= most || old === key) break;
        drop(old);
      }
    },
    nearest(stack, number) {
      let best = null;
      for (const slice of kept.values())
        if (slice.stack === stack && (!best || Math.abs(slice.number - number) < Math.abs(best.number - number))) best = slice;
      return best;
    },
  };
}

// Bytes as they came in a message, as an array of their own: the message can be forgotten.
function ownArray(Kind, bytes) {
  const copy = new Uint8Array(bytes.byteLength);
  copy.set(new Uint8Array(bytes.buffer ?? bytes, bytes.byteOffset ?? 0, bytes.byteLength));
  return new Kind(copy.buffer);
}

// `shown` → { patient, channel, planes }, `at` → the number of a plane's slice that is looked at, and
// `arrived` is called when slices came. One question waits for its first slices at a time; by then
// others may be wanted, and those are asked for next.
function sliceReader(page, shown, at, arrived) {
  const view = Math.random().toString(36).slice(2, 14); // pages of one widget hear each other's slices
  const ring = sliceRing(MOST_BYTES), hands = new Map();
  const refused = new Set(); // what was asked for and did not come is not asked for again
  let turn = 0, asked = [], roundTrip = 100, bytes = 1, visited = "";

  const stackOf = (plane) => `${shown().patient}/${shown().channel}/${plane.name}`;
  const keyOf = (plane, number) => `${stackOf(plane)}/${number}`;
  const free = (plane, number) => {
    const key = keyOf(plane, number);
    return number >= 0 && number < plane.n_slices && !ring.has(key) && !refused.has(key) && !asked.some((each) => each.keys.has(key));
  };
  const waiting = () => asked.some((each) => !each.answered);
  const named = (plane, numbers) => numbers.filter((number) => free(plane, number)).map((number) => ({ plane: plane.name, number }));

  // Slices that the hand will have come to when they arrive: a fast one passes over some.
  function onTheWay(plane, most) {
    const { by, speed } = hands.get(plane.name), sign = Math.sign(by), step = Math.abs(by) === 10 ? 10 : 1;
    const stride = step * clamp(Math.ceil(speed / step * roundTrip / most), 1, 6);
    const from = step > 1 ? at(plane) : Math.floor(at(plane) * sign / stride) * stride * sign;
    const found = named(plane, Array.from({ length: most }, (_, n) => from + sign * stride * (n + 1)));
    const left = Math.floor((sign > 0 ? plane.n_slices - 1 - from : from) / stride);
    return 2 * found.length >= Math.min(most, left) ? found : []; // in batches: a question costs more than a slice
  }

  function ahead() {
    const now = performance.now(), most = clamp(Math.floor(MOST_BYTES / 4 / bytes), 1, AHEAD);
    const latest = Math.max(...[...hands.values()].map((hand) => hand.at));
    const moving = shown().planes.filter((plane) => hands.get(plane.name)?.at === latest && now - latest < PAUSE);
    if (moving.some((plane) => hands.get(plane.name).free)) return []; // what comes next comes soonest alone
    if (moving.length) return moving.flatMap((plane) => onTheWay(plane, Math.ceil(most / moving.length)));
    const plane = shown().planes.find((each) => each.name === visited);
    const around = Array.from({ length: 2 * Math.min(most, AROUND) }, (_, n) => at(plane) + (n % 2 ? -1 : 1) * (1 + (n >> 1)));
    return named(plane, around);
  }

  function ask(settled = null) {
    const now = performance.now();
    asked = asked.filter((each) => now - each.at < LOST);
    const busy = waiting() || asked.length > 1;
    if (busy && !settled) return;
    const wanted = busy ? [] : shown().planes.flatMap((plane) => named(plane, [at(plane)]));
    const more = busy || !(visited || hands.size) ? [] : ahead();
    if (!wanted.length && !more.length && !settled) return;
    const keys = new Set([...wanted, ...more].map((each) => keyOf({ name: each.plane }, each.number)));
    turn += 1;
    asked.push({ turn, keys, at: now, answered: false, settled });
    const { patient, channel, voxel } = shown();
    page.tell({ kind: "look", view, turn, patient, channel, voxel, wanted, ahead: more, ...settled, settled: Boolean(settled) });
  }

  page.received.push((message, buffers) => {
    const own = message?.view === view ? asked.find((each) => each.turn === message.turn) : null;
    if (message?.kind === "answered") {
      if (!own) return;
      for (const key of own.keys) if (!ring.has(key)) refused.add(key);
      asked = asked.filter((each) => each !== own);
      arrived();
      ask();
    }
    if (message?.kind !== "slices" || message.patient !== shown().patient || message.channel !== shown().channel) return;
    let place = 0;
    for (const { plane: name, number, type, layers } of message.slices) {
      const arrays = {};
      for (const layer of layers)
        arrays[layer] = ownArray(layer === "values" ? ARRAYS[type] : layer === "levels" ? Int8Array : Uint8Array, buffers[place++]);
      const plane = shown().planes.find((each) => each.name === name);
      if (!plane) continue;
      bytes = Object.values(arrays).reduce((sum, each) => sum + each.byteLength, 0);
      ring.put(keyOf(plane, number), { ...arrays, stack: stackOf(plane), number, bytes, n_rows: plane.n_rows, n_columns: plane.n_columns });
      for (const each of asked) each.keys.delete(keyOf(plane, number));
    }
    if (own && !own.answered) {
      own.answered = true;
      roundTrip += 0.3 * (clamp(performance.now() - own.at, 1, 1000) - roundTrip);
    }
    arrived();
    ask();
  });

  return {
    ask, waiting,
    settling: () => asked.filter((each) => each.settled).length,
    get: (plane, number) => ring.get(keyOf(plane, number)),
    nearest: (plane, number) => ring.get(keyOf(plane, number)) ?? ring.nearest(stackOf(plane), number),
    lacks: (plane) => !ring.has(keyOf(plane, at(plane))) && !refused.has(keyOf(plane, at(plane))),
    forget: () => { refused.clear(); hands.clear(); },
    // A hand has gone `by` slices through a plane, by itself or with others; `free` to go anywhere next.
    moved(plane, by, now, free) {
      const hand = hands.get(plane.name), gap = Math.max(now - (hand?.at ?? 0), 4);
      hands.set(plane.name, { at: now, by, free, speed: gap > 400 ? 0 : (hand.speed + Math.abs(by) / gap) / 2 });
    },
    // A hand comes to a plane, and may soon go through it.
    visit(plane) {
      if (visited === plane.name) return;
      visited = plane.name;
      ask();
    },
  };
}
