// The modules as a tree of boxes, each open or folded, and the graph that is seen then.

const BOX_FONT = "600 13px " + getComputedStyle(document.body).fontFamily;
const SMALL_FONT = "12px " + getComputedStyle(document.body).fontFamily;
const MANY_NODES = 44;

const root = { id: "ROOT", open: true, children: [], order: -1, parent: null };
const boxes = tape.modules.map((module, i) => ({ id: `M${i}`, module, open: true, children: [], parent: null, order: Infinity }));
const boxOf = new Map(); // the id of a node or box -> the box it is in

function buildTree() {
  boxes.forEach((box, i) => {
    const parent = tape.modules[i].parent;
    box.parent = parent === null ? root : boxes[parent];
    box.parent.children.push(box.id);
    boxOf.set(box.id, box.parent);
  });
  forwards.forEach((step, i) => place(`F${i}`, step.module === null ? root : boxes[step.module]));
  tape.leaves.forEach((leaf, i) => {
    const readers = readersOf.get(`L${i}`) || [];
    const inside = leaf.kind === "parameter" || leaf.kind === "buffer" || !leaf.name;
    place(`L${i}`, inside ? commonBox(readers.map((reader) => boxOf.get(`F${reader.step}`))) : root);
  });
  forwards.forEach((step, i) => {
    for (let box = boxOf.get(`F${i}`); box !== root; box = box.parent) box.order = Math.min(box.order, i);
  });
  for (const box of boxes) box.steps = [];
  forwards.forEach((step, i) => {
    for (let box = boxOf.get(`F${i}`); box !== root; box = box.parent) box.steps.push(i);
  });
}

function place(id, box) {
  boxOf.set(id, box);
  box.children.push(id);
}

function commonBox(candidates) {
  if (!candidates.length) return root;
  let [box, ...others] = candidates;
  while (!others.every((other) => isInside(other, box))) box = box.parent;
  return box;
}

function isInside(box, outer) {
  for (; box; box = box.parent) if (box === outer) return true;
  return false;
}

/** Return the boxes around a node, outermost first, up to the first that is folded; the last is what is seen of it. */
function seenPath(id) {
  const path = [];
  for (let box = boxOf.get(id); box !== root; box = box.parent) path.unshift(box);
  const folded = path.findIndex((box) => !box.open);
  return folded < 0 ? [...path.map((box) => box.id), id] : path.slice(0, folded + 1).map((box) => box.id);
}

function seenNode(id) {
  return seenPath(id).at(-1);
}

function boxById(id) {
  return id === "ROOT" ? root : boxes[Number(id.slice(1))];
}

/** Fold what makes a graph too large to look at: open boxes from outside in, as long as few nodes are seen. */
function foldLarge() {
  const count = forwards.length + tape.leaves.length;
  if (count <= MANY_NODES) return false;
  for (const box of boxes) box.open = false;
  const waiting = root.children.filter((id) => id.startsWith("M")).map(boxById);
  let seen = root.children.length;
  while (waiting.length) {
    const box = waiting.shift();
    if (seen + box.children.length > MANY_NODES) continue;
    box.open = true;
    seen += box.children.length;
    waiting.push(...box.children.filter((id) => id.startsWith("M")).map(boxById));
  }
  return true;
}

/** Open the boxes around a node, and close again what had been opened for the node before. */
let openedFor = [];
function openAround(id) {
  const around = [];
  for (let box = boxOf.get(id); box !== root; box = box.parent) around.push(box);
  const staying = openedFor.filter((box) => around.includes(box));
  const closing = openedFor.filter((box) => !around.includes(box));
  const opening = around.filter((box) => !box.open);
  closing.forEach((box) => (box.open = false));
  opening.forEach((box) => (box.open = true));
  openedFor = [...staying, ...opening];
  return closing.length + opening.length > 0;
}

// ---- what is seen -----------------------------------------------------------------------------------

function sizeOfNode(id) {
  if (id.startsWith("L")) {
    const leaf = tape.leaves[Number(id.slice(1))];
    const text = Math.max(widthOf(labelOfLeaf(id), BOX_FONT), widthOf((leaf.wantsGrad ? "grad " : "") + shapeText(shapeOfKey(id)), SMALL_FONT));
    return { width: Math.max(text + 28, leaf.wantsGrad ? 92 : 64), height: leaf.wantsGrad ? 44 : 42, weight: 1, atBottom: true };
  }
  if (id.startsWith("F")) {
    const text = Math.max(widthOf(labelOfStep(id), BOX_FONT), widthOf(secondLine(id), SMALL_FONT));
    return { width: Math.max(text + 40, 108), height: 46, weight: 64 };
  }
  const box = boxById(id);
  const text = Math.max(widthOf(labelOfBox(box), BOX_FONT), widthOf(insideOf(box), SMALL_FONT));
  return { width: Math.max(text + 44, 130), height: 50, weight: 64 };
}

function labelOfStep(id) {
  const step = forwards[Number(id.slice(1))];
  const name = step.names[0];
  return name ? `${shortened(name)} = ${titleOf(step)}` : titleOf(step);
}

function shortened(text) {
  return text.length > 26 ? `${text.slice(0, 25)}…` : text;
}

/** Within its module a parameter is called as the module calls it. */
function labelOfLeaf(id) {
  const leaf = tape.leaves[Number(id.slice(1))];
  const name = leaf.name || leaf.kind;
  const box = boxOf.get(id);
  if (box === root) return shortened(name);
  const path = [];
  for (let outer = box; outer !== root; outer = outer.parent) path.unshift(outer.module.name);
  const prefix = path.filter(Boolean).join(".") + ".";
  return shortened(name.startsWith(prefix) ? name.slice(prefix.length) : name);
}

function secondLine(id, hasRun = true) {
  const step = forwards[Number(id.slice(1))];
  const value = valueAt(step.outputs[0]);
  if (!value) return "not recorded";
  if (!hasRun) return shapeText(value.shape);
  return value.size === 1 ? `${shapeText(value.shape)} = ${written(value.numbers[0])}` : shapeText(value.shape);
}

function labelOfBox(box) {
  const { name, kind } = box.module;
  return name ? `${shortened(name)}: ${kind}` : kind;
}

function insideOf(box) {
  const parameters = tape.leaves.filter((leaf, i) => leaf.kind === "parameter" && isInside(boxOf.get(`L${i}`), box)).length;
  const steps = plural(box.steps.length, "step");
  return parameters ? `${steps}, ${plural(parameters, "parameter")}` : steps;
}

/** Return the edges that are seen: {name, from, to, source, target, depth, links}; their paths part at the depth. */
function seenEdges() {
  const edges = new Map();
  forwards.forEach((step, i) => {
    step.inputs.forEach((input, number) => {
      const key = keyOf(input);
      if (key === null) return;
      const source = seenPath(nodeOfKey(key));
      const target = seenPath(`F${i}`);
      let depth = 0;
      while (depth < source.length && source[depth] === target[depth]) depth++;
      if (depth === source.length || depth === target.length) return; // within one folded box
      const from = source.at(-1), to = target.at(-1);
      const name = `${from}>${to}`;
      if (!edges.has(name)) edges.set(name, { name, from, to, source, target, depth, links: [] });
      edges.get(name).links.push({ key, step: i, input: number });
    });
  });
  return [...edges.values()];
}

/** Return the part of an edge that runs within a box, as an edge of its layout; null if none does. */
function partWithin(edge, box, shiftOf) {
  const { source, target, depth, from, to } = edge;
  const placeIn = (path) => (box === root ? -1 : path.includes(box.id) ? path.indexOf(box.id) : -9);
  const inSource = placeIn(source), inTarget = placeIn(target);
  if (inSource === depth - 1 && inTarget === depth - 1) {
    const [start, end] = [source[depth], target[depth]];
    return { name: edge.name, from: start, to: end, fromShift: shiftOf(start, `out:${from}`), toShift: shiftOf(end, `in:${from}`) };
  }
  if (inTarget >= depth && inTarget < target.length - 1) {
    const child = target[inTarget + 1];
    return { name: edge.name, from: `in:${from}`, to: child, toShift: shiftOf(child, `in:${from}`), port: `in:${from}` };
  }
  if (inSource >= depth && inSource < source.length - 1) {
    const child = source[inSource + 1];
    return { name: edge.name, from: child, to: `out:${from}`, fromShift: shiftOf(child, `out:${from}`), port: `out:${from}` };
  }
  return null;
}

function portItem(id) {
  const isLeaf = id.split(":")[1].startsWith("L");
  const isTop = id.startsWith("in:");
  return { id, width: 6, height: 0, order: isTop ? -1 : 1e9, weight: isLeaf ? 2 : 64, side: isTop ? "top" : "bottom" };
}

/** Lay out all that is seen; return {width, height, nodes: Map id -> {x, y, width, height}, edges with their routes}. */
function arrange() {
  const edges = seenEdges();
  const arranged = new Map();
  const shiftOf = (id, port) => {
    const inner = arranged.get(id);
    return inner ? inner.places.get(port).x - inner.width / 2 : 0;
  };
  const layOut = (box) => {
    const items = box.children.map((id) => {
      const inner = id.startsWith("M") && boxById(id).open ? layOut(boxById(id)) : null;
      return { id, order: orderOf(id), ...(inner ? sizeOfOpenBox(id, inner) : sizeOfNode(id)) };
    });
    const parts = edges.map((edge) => partWithin(edge, box, shiftOf)).filter(Boolean);
    const ports = new Set(parts.map((part) => part.port).filter(Boolean));
    const result = layoutBox([...items, ...[...ports].map(portItem)], parts);
    arranged.set(box.id, { ...result, sizes: new Map(items.map((item) => [item.id, item])) });
    return result;
  };
  const { width, height } = layOut(root);
  const nodes = new Map();
  putNodes(root, 0, 0, arranged, nodes);
  for (const edge of edges) edge.points = routeOf(edge, arranged, nodes);
  return { width, height, nodes, edges };
}

function sizeOfOpenBox(id, inner) {
  const width = Math.max(inner.width, widthOf(labelOfBox(boxById(id)), BOX_FONT) + 40) + 2 * GAP.padding;
  return { width, height: inner.height + GAP.title + GAP.padding, weight: 64 };
}

function putNodes(box, left, top, arranged, nodes) {
  const { places, sizes } = arranged.get(box.id);
  Object.assign(arranged.get(box.id), { left, top });
  for (const [id, size] of sizes) {
    const place = places.get(id);
    const node = { id, x: left + place.x - size.width / 2, y: top + place.y, width: size.width, height: size.height };
    nodes.set(id, node);
    if (!arranged.has(id)) continue;
    node.isOpen = true;
    putNodes(boxById(id), node.x + (size.width - arranged.get(id).width) / 2, node.y + GAP.title, arranged, nodes);
  }
}

/** Return the points through which an edge runs: out of the boxes of its source, into those of its target. */
function routeOf(edge, arranged, nodes) {
  const { source, target, depth, from, to } = edge;
  const points = [];
  const through = (boxId, port) => {
    const { routes, places, left, top } = arranged.get(boxId);
    const bends = (routes.get(edge.name) || []).flatMap(({ x, y, end }) => [{ x, y }, { x, y: end }]);
    const gate = port ? [{ x: places.get(port).x, y: places.get(port).y }] : [];
    const inOrder = port && port.startsWith("in:") ? [...gate, ...bends] : [...bends, ...gate];
    points.push(...inOrder.map(({ x, y }) => ({ x: x + left, y: y + top })));
  };
  const start = nodes.get(from), end = nodes.get(to);
  points.push({ x: start.x + start.width / 2, y: start.y + start.height });
  for (const id of source.slice(depth, -1).reverse()) through(id, `out:${from}`);
  through(depth ? target[depth - 1] : "ROOT", null);
  for (const id of target.slice(depth, -1)) through(id, `in:${from}`);
  points.push({ x: end.x + end.width / 2, y: end.y - 1 });
  return points;
}

function orderOf(id) {
  if (id.startsWith("F")) return Number(id.slice(1));
  if (id.startsWith("M")) return boxById(id).order;
  const readers = readersOf.get(id) || [];
  const first = readers.length ? Math.min(...readers.map((reader) => reader.step)) : 0;
  return first - 0.5 + Number(id.slice(1)) / 1e6 / 4;
}
