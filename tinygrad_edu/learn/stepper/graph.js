// The picture of the graph: drawn anew when something is folded, lit anew at every step.

const graph = { scale: 1, picture: null, nodes: new Map(), edges: [], arranged: null };

function drawGraph() {
  const arranged = arrange();
  graph.arranged = arranged;
  graph.nodes.clear();
  graph.edges = [];
  const margin = 16;
  const picture = s("svg", {
    viewBox: `${-margin} ${-margin} ${arranged.width + 2 * margin} ${arranged.height + 2 * margin}`,
    role: "group",
    "aria-label": "The graph: data and parameters above, the loss below",
  }, markers());
  const open = [...arranged.nodes.values()].filter((node) => node.isOpen);
  for (const node of open) picture.append(drawOpenBox(node));
  for (const edge of arranged.edges) picture.append(drawEdge(edge));
  for (const { label } of graph.edges) picture.append(label); // above all edges
  for (const node of open) picture.append(drawTitle(node));
  for (const node of arranged.nodes.values()) if (!node.isOpen) picture.append(drawNode(node));
  graph.picture = picture;
  document.getElementById("graph").replaceChildren(picture);
  scaleGraph(graph.scale);
}

function markers() {
  const arrow = (id) =>
    s("marker", { id, viewBox: "0 0 10 10", refX: 8.5, refY: 5, markerWidth: 9, markerHeight: 9, markerUnits: "userSpaceOnUse", orient: "auto-start-reverse" },
      s("path", { d: "M0.5 1 L9 5 L0.5 9 Z" }));
  return s("defs", {}, arrow("arrow"), arrow("arrow-forward"), arrow("arrow-backward"));
}

function scaleGraph(scale) {
  graph.scale = Math.min(Math.max(scale, 0.3), 2.5);
  const [, , width, height] = graph.picture.getAttribute("viewBox").split(" ").map(Number);
  graph.picture.setAttribute("width", width * graph.scale);
  graph.picture.setAttribute("height", height * graph.scale);
}

/** Show the whole width of the graph, if it is still legible then. */
function fitGraph() {
  const holder = document.getElementById("graph");
  const [, , width] = graph.picture.getAttribute("viewBox").split(" ").map(Number);
  scaleGraph(Math.min(Math.max((holder.clientWidth - 8) / width, 0.8), 1.1));
}

function drawOpenBox(node) {
  const group = s("g", { class: "box", transform: `translate(${node.x} ${node.y})` }, s("rect", { class: "frame", width: node.width, height: node.height, rx: 12 }));
  graph.nodes.set(node.id, { element: group, node });
  return group;
}

/** The title of an open box lies above the edges that run through it. */
function drawTitle(node) {
  const box = boxById(node.id);
  const width = Math.min(widthOf(labelOfBox(box), BOX_FONT) + 28, node.width - 12);
  return s("g", { class: "title", transform: `translate(${node.x} ${node.y})` },
    foldButton(box, `Fold ${labelOfBox(box)}`, s("rect", { class: "hit", x: 6, y: 5, width, height: 22, rx: 6 }),
      s("path", { class: "corner", d: "M13 13.5 l4 4.5 l4 -4.5" }), s("text", { x: 27, y: 20.5 }, labelOfBox(box))));
}

function foldButton(box, label, ...children) {
  const press = (event) => {
    if (event.type === "keydown" && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    fold(box);
  };
  return s("g", { class: "fold", tabindex: 0, role: "button", "aria-label": label, "aria-expanded": String(box.open),
    "data-box": box.id, onclick: press, onkeydown: press }, children);
}

function drawNode(node) {
  const { id, x, y, width, height } = node;
  const group = s("g", { transform: `translate(${x} ${y})`, "data-node": id });
  if (id.startsWith("M")) {
    const box = boxById(id);
    group.setAttribute("class", "node folded");
    group.append(
      s("rect", { class: "behind", x: 5, y: 5, width, height, rx: 9 }),
      s("rect", { class: "body", width, height, rx: 9 }),
      foldButton(box, `Open ${labelOfBox(box)}`, s("rect", { class: "hit", width, height, rx: 9 }),
        s("path", { class: "corner", d: "M14 13 l5 4.5 l-5 4.5" }), s("text", { x: 28, y: 21 }, labelOfBox(box)),
        s("text", { class: "second", x: 28, y: 39 }, insideOf(box))));
  } else if (id.startsWith("L")) {
    const leaf = tape.leaves[Number(id.slice(1))];
    group.setAttribute("class", `node leaf ${leaf.kind}`);
    group.append(
      s("rect", { class: "body", width, height, rx: height / 2 }),
      s("text", { x: width / 2, y: 18, "text-anchor": "middle" }, labelOfLeaf(id)),
      s("text", { class: "second", x: width / 2, y: 34, "text-anchor": "middle" }, shapeText(shapeOfKey(id))));
  } else {
    group.setAttribute("class", "node op");
    group.append(
      s("rect", { class: "body", width, height, rx: 8 }),
      s("text", { x: 14, y: 20 }, labelOfStep(id)),
      s("text", { class: "second", x: 14, y: 37 }, secondLine(id)),
      s("path", { class: "tick", d: `M${width - 19} 13 l3.5 4 l6.5 -7.5` }));
  }
  group.append(s("rect", { class: "ring", x: -4, y: -4, width: width + 8, height: height + 8, rx: id.startsWith("L") ? height / 2 + 4 : 12 }));
  if (!id.startsWith("M")) {
    group.addEventListener("click", () => goToNode(id));
    group.append(s("title", {}, `${id.startsWith("L") ? nameOfKey(id) : labelOfStep(id)}: click to go to its step`));
  }
  graph.nodes.set(id, { element: group, node });
  return group;
}

function drawEdge(edge) {
  const { points } = edge;
  const path = s("path", { class: "line", d: curve(points) });
  const place = labelPlace(edge, points);
  const label = s("text", { class: "along", x: place.x + (place.isLeft ? -7 : 7), y: place.y + 4, "text-anchor": place.isLeft ? "end" : "start" });
  const group = s("g", { class: "edge" }, path);
  graph.edges.push({ element: group, path, label, edge });
  return group;
}

/** Where the number stands beside an edge: at that end where no other edge is. */
function labelPlace(edge, points) {
  const start = points[0], end = points.at(-1);
  if (points.length > 2) return { x: points[1].x, y: (points[1].y + points[2].y) / 2, isLeft: points[1].x < end.x };
  if (start.x === end.x) return { x: start.x, y: (start.y + end.y) / 2 };
  const isShared = graph.arranged.edges.some((other) => other !== edge && other.from === edge.from);
  return isShared ? { x: (start.x + end.x) / 2, y: (start.y + end.y) / 2 } : { x: start.x + 2, y: start.y + 13 };
}

function curve(points) {
  let d = `M${points[0].x} ${points[0].y}`;
  for (let i = 1; i < points.length; i++) {
    const a = points[i - 1], b = points[i];
    const half = (b.y - a.y) / 2;
    d += a.x === b.x ? ` L${b.x} ${b.y}` : ` C${a.x} ${a.y + half} ${b.x} ${b.y - half} ${b.x} ${b.y}`;
  }
  return d;
}

// ---- the state of a step ----------------------------------------------------------------------------

/** Light the graph as it is at a position: what has run, what runs now, where gradients have gone. */
function lightGraph(position) {
  const now = at(position);
  const forwardDone = now.phase === "forward" ? now.index : forwards.length;
  const backwardDone = now.phase === "forward" ? -1 : now.index;
  const current = seenNode(now.node);
  for (const [id, { element }] of graph.nodes) {
    const state = stateOf(id, forwardDone, backwardDone);
    for (const name of ["ahead", "reached", "done"]) element.classList.toggle(name, name === state);
    element.classList.toggle("now", id === current);
    element.classList.toggle("backward", now.phase === "backward");
    if (id === current) element.setAttribute("aria-current", "step");
    else element.removeAttribute("aria-current");
    if (id.startsWith("L")) lightLeaf(id, element, backwardDone);
    if (id.startsWith("F")) element.querySelector(".second").textContent = secondLine(id, state !== "ahead");
  }
  for (const { element, path, label, edge } of graph.edges) {
    const sent = edge.links.map((link) => sentAlong(link.step, link.input)).filter((x) => x && x.back <= backwardDone);
    const runs = now.phase === "forward" && edge.links.some((link) => link.step === now.index);
    const sends = now.phase === "backward" && sent.some((x) => x.back === now.index);
    element.classList.toggle("ahead", now.phase === "forward" && edge.links.every((link) => link.step > now.index));
    element.classList.toggle("carries", sent.length > 0);
    element.classList.toggle("now", runs || sends);
    element.classList.toggle("pinned", edge.links.some((link) => isOnPinnedPath(link)));
    path.setAttribute(sent.length ? "marker-start" : "marker-end", `url(#${sent.length ? "arrow-backward" : runs ? "arrow-forward" : "arrow"})`);
    path.removeAttribute(sent.length ? "marker-end" : "marker-start");
    label.textContent = gradientsInShort(sent);
  }
}

function stateOf(id, forwardDone, backwardDone) {
  const steps = id.startsWith("M") ? boxById(id).steps : id.startsWith("F") ? [Number(id.slice(1))] : [];
  const backs = (steps.length ? steps.map((i) => backwardOf.get(`F${i}`)) : [backwardOf.get(id)]).filter((x) => x !== undefined);
  if (backs.length && backs.every((back) => back <= backwardDone)) return "done";
  if (steps.length && steps.every((i) => i > forwardDone)) return "ahead";
  return "reached";
}

function lightLeaf(id, element, backwardDone) {
  const back = backwardOf.get(id);
  const second = element.querySelector(".second");
  const sum = back !== undefined && back <= backwardDone ? backwards[back].sum : null;
  const grad = sum ? valueAt(sum[2]) : null;
  const value = valueAt(valueOfKey(id));
  const before = value.size === 1 ? written(value.numbers[0]) : shapeText(value.shape);
  second.textContent = !grad ? before : `grad ${grad.size === 1 ? written(grad.numbers[0]) : before}`;
  element.classList.toggle("has-grad", Boolean(grad));
}

/** Numbers are written beside the edge, if the gradient is one number. */
function gradientsInShort(sent) {
  const values = sent.map((x) => valueAt(x.sent.value));
  if (!values.length || values.some((value) => value.size !== 1) || values.length > 2) return "";
  return values.map((value) => written(value.numbers[0], 3)).join(", ");
}

/** Bring the node that runs into sight. */
function centreGraph(position, smoothly) {
  const holder = document.getElementById("graph");
  const found = graph.nodes.get(seenNode(at(position).node));
  if (!found) return;
  const [left, top] = graph.picture.getAttribute("viewBox").split(" ").map(Number);
  const { x, y, width, height } = found.node;
  holder.scrollTo({
    left: (x - left + width / 2) * graph.scale - holder.clientWidth / 2,
    top: (y - top + height / 2) * graph.scale - holder.clientHeight / 2,
    behavior: smoothly && !matchMedia("(prefers-reduced-motion: reduce)").matches ? "smooth" : "instant",
  });
}
