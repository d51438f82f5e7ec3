// One element is pinned and followed: who reads it, what gradients arrive, along which paths it reaches the loss.

const pin = { key: null, index: [] };
const MOST_PATHS = 24;

function togglePin(key, index) {
  const same = pin.key === key && String(pin.index) === String(index);
  pin.key = same ? null : key;
  pin.index = same ? [] : index;
  findPaths();
  show(state.position, { keepPlace: true });
}

function nameOfPin() {
  return `${nameOfKey(pin.key)}${indexText(pin.index)}`;
}

// ---- paths to the loss ------------------------------------------------------------------------------

let paths = { count: 0, list: [], stuck: null, shown: null, links: new Set() };

/**
 * Follow an element to the root: from a tensor to every input that reads it, as long as it is known by what one number
 * is multiplied there: where elements are computed each by itself, and where the output is one number.
 */
function findPaths() {
  paths = { count: 0, list: [], stuck: null, shown: null, links: new Set() };
  if (pin.key === null || !backwards.length) return;
  const rootKey = `F${backwards[0].step}.0`;
  const walk = (key, index, steps) => {
    if (paths.stuck !== null || paths.count > 4096) return;
    if (key === rootKey) {
      paths.count++;
      if (paths.list.length < MOST_PATHS) paths.list.push(steps);
      steps.forEach((link) => paths.links.add(`${link.step}:${link.input}`));
      return;
    }
    for (const { step, input } of readersOf.get(key) || []) {
      const found = sentAlong(step, input);
      if (!found) continue;
      const local = found.sent.local === undefined ? null : valueAt(found.sent.local);
      const factor = local ? elementAt(local, index) : undefined;
      const output = valueAt(forwards[step].outputs[0]);
      if (factor === undefined) {
        paths.stuck = step;
        return;
      }
      const next = output.size === 1 ? output.shape.map(() => 0) : index;
      walk(`F${step}.0`, next, [...steps, { step, input, factor }]);
    }
  };
  walk(pin.key, pin.index, []);
}

/** Whether an edge lies on a path of the pinned element; while one path is pointed at, on that one. */
function isOnPinnedPath(link) {
  if (paths.stuck !== null) return false;
  if (paths.shown) return paths.shown.some((other) => other.step === link.step && other.input === link.input);
  return paths.links.has(`${link.step}:${link.input}`);
}

function showPath(path) {
  paths.shown = path;
  lightGraph(state.position);
}

function product(path) {
  return path.reduce((result, link) => result * link.factor, 1);
}

// ---- what is shown ----------------------------------------------------------------------------------

/** Return the panel of the pinned element: its value, its gradient so far, and where it is used. */
function pinPanel(position) {
  if (pin.key === null) return null;
  const now = at(position);
  const done = now.phase === "forward" ? -1 : now.index;
  const value = elementAt(valueAt(valueOfKey(pin.key)), pin.index);
  const facts = [h("dt", {}, "value"), h("dd", {}, value === undefined ? "not shown" : written(value, 6))];
  const grad = gradientSoFar(done);
  if (grad) facts.push(h("dt", {}, grad.label), h("dd", {}, grad.text));
  return h("section", { class: "pinned", "aria-label": "Pinned element" },
    h("header", {}, pinIcon(), h("h3", {}, nameOfPin()),
      h("button", { type: "button", class: "quiet", onclick: () => togglePin(pin.key, pin.index), "aria-label": `Unpin ${nameOfPin()}` }, "unpin")),
    h("dl", {}, facts),
    h("ol", { class: "trail" }, trail().map((event) => trailItem(event, position))),
    pathsText());
}

function pinIcon() {
  return s("svg", { class: "icon", viewBox: "0 0 16 16", width: 14, height: 14, "aria-hidden": "true" },
    s("circle", { cx: 8, cy: 6, r: 4.2, fill: "none", stroke: "currentColor", "stroke-width": 1.8 }), s("path", { d: "M8 10.5 V15", stroke: "currentColor", "stroke-width": 1.8 }));
}

function gradientSoFar(done) {
  const arrived = (sentTo.get(pin.key) || []).filter((entry) => entry.back <= done);
  if (!arrived.length) return null;
  const terms = arrived.map((entry) => elementAt(valueAt(entry.sent.value), pin.index));
  if (terms.includes(undefined)) return null;
  const total = elementAt(valueAt(arrived.at(-1).sent.total), pin.index);
  const text = terms.length > 1 && terms.length <= 6 ? `${terms.map((x, i) => (i ? operand(x) : written(x))).join(" + ")} = ${written(total)}` : written(total, 6);
  return { label: "gradient so far", text };
}

/** Return all that happens to the pinned element, in order: {position, text}. */
function trail() {
  const events = [];
  const [node, output] = pin.key.startsWith("F") ? pin.key.slice(1).split(".").map(Number) : [];
  if (node !== undefined) events.push({ position: node, text: `made by ${titleOf(forwards[node])}` });
  for (const { step, input } of readersOf.get(pin.key) || []) {
    events.push({ position: step, text: `read by ${titleOf(forwards[step])}${forwards[step].inputs.length > 1 ? `, as input ${input}` : ""}` });
  }
  for (const { back, sent } of sentTo.get(pin.key) || []) {
    const x = elementAt(valueAt(sent.value), pin.index);
    events.push({ position: forwards.length + back, text: `${x === undefined ? "a gradient" : written(x)} arrives from ${titleOf(forwards[backwards[back].step])}` });
  }
  const visit = backwardOf.get(node !== undefined ? `F${node}` : pin.key);
  if (visit !== undefined) events.push({ position: forwards.length + visit, text: visitText(backwards[visit], output) });
  return events.sort((a, b) => a.position - b.position);
}

function visitText(back, output) {
  if (back.sum) {
    const [before, added, after] = back.sum.map((number) => (number === null ? 0 : elementAt(valueAt(number), pin.index)));
    if (after === undefined) return "what arrived is added to its .grad";
    return `.grad: ${written(before)} + ${operand(added)} = ${written(after)}`;
  }
  if (back.kind === "collect") return "autograd.grad takes its gradient";
  const grad = elementAt(valueAt(back.grads[output || 0]), pin.index);
  return grad === undefined ? "its gradient is passed on" : `its gradient, ${written(grad)}, is passed on`;
}

function trailItem(event, position) {
  const where = event.position < forwards.length ? `forward ${event.position + 1}` : `backward ${event.position - forwards.length + 1}`;
  const state = event.position < position ? "past" : event.position === position ? "now" : "future";
  return h("li", { class: state }, h("button", { type: "button", onclick: () => go(event.position), "aria-current": state === "now" ? "step" : null },
    h("span", { class: "when" }, where), " ", event.text));
}

function pathsText() {
  if (!backwards.length) return null;
  if (paths.stuck !== null) {
    const step = forwards[paths.stuck];
    return h("p", { class: "paths" }, `In ${titleOf(step)} (forward ${paths.stuck + 1}) it has a part in several numbers; from there the paths are too many to list.`);
  }
  if (!paths.count) return h("p", { class: "paths" }, "No path leads from here to the loss.");
  const sum = paths.list.reduce((total, path) => total + product(path), 0);
  const lines = paths.list.map((path) =>
    h("li", { onpointerenter: () => showPath(path), onpointerleave: () => showPath(null) }, h("span", { class: "via" }, path.map((link) => titleOf(forwards[link.step])).join(" → ")), " ",
      h("span", { class: "factors" }, `${path.map((link, i) => (i ? operand(link.factor, 3) : written(link.factor, 3))).join(" · ") || "1"} = ${written(product(path))}`)));
  const all = paths.list.length === paths.count;
  return h("div", { class: "paths" },
    h("p", {}, `It reaches the loss along ${plural(paths.count, "path")}. ${paths.count === 1 ? "The product of the local derivatives is its gradient:" : all ? "The products of the local derivatives are" : `The first ${MOST_PATHS}:`}`),
    h("ol", {}, lines),
    all && paths.count > 1 ? h("p", {}, `Their sum is its gradient: ${written(sum)}`) : null);
}
