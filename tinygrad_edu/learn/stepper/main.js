// The replay: where it is, how it is moved, and what is drawn anew.

const state = { position: 0, playing: null, follow: false };

function go(position) {
  show(Math.max(0, Math.min(lastPosition, position)), {});
}

function goToNode(id) {
  const back = backwardOf.get(id);
  const isBackward = at(state.position).phase === "backward";
  if (id.startsWith("L") ? back !== undefined : isBackward && back !== undefined) go(forwards.length + back);
  else if (id.startsWith("F")) go(Number(id.slice(1)));
}

function show(position, { keepPlace = false } = {}) {
  state.position = position;
  hidePointer();
  if (state.follow && openAround(at(position).node)) drawGraph();
  lightGraph(position);
  drawPanel(position);
  drawCode(position);
  drawControls(position);
  if (!keepPlace) {
    document.getElementById("panel").scrollTop = 0;
    centreGraph(position, true);
  }
}

function fold(box) {
  box.open = !box.open;
  openedFor = openedFor.filter((other) => other !== box);
  setFollow(false);
  drawGraph();
  lightGraph(state.position);
  centreOnBox(box);
  const button = document.querySelector(`[data-box="${box.id}"]`);
  if (button) button.focus({ preventScroll: true });
}

function centreOnBox(box) {
  const holder = document.getElementById("graph");
  const found = graph.nodes.get(box.id);
  if (!found) return;
  holder.scrollTo({ left: (found.node.x + found.node.width / 2) * graph.scale - holder.clientWidth / 2, top: found.node.y * graph.scale - 60 });
}

function foldAll(open) {
  for (const box of boxes) box.open = open;
  openedFor = [];
  setFollow(false);
  drawGraph();
  lightGraph(state.position);
  centreGraph(state.position, false);
}

function setFollow(follow) {
  state.follow = follow;
  const button = document.getElementById("follow");
  button.setAttribute("aria-pressed", String(follow));
  if (follow && graph.picture && openAround(at(state.position).node)) {
    drawGraph();
    lightGraph(state.position);
    centreGraph(state.position, false);
  }
}

// ---- controls ---------------------------------------------------------------------------------------

function drawControls(position) {
  const now = at(position);
  const slider = document.getElementById("slider");
  slider.value = position;
  const count = now.phase === "forward" ? forwards.length : backwards.length;
  const title = now.step ? titleOf(now.step) : `${nameOfKey(now.node)}.grad`;
  slider.setAttribute("aria-valuetext", `${now.phase} step ${now.index + 1} of ${count}: ${title}`);
  const says = (now.phase === "forward" ? now.step : now.back).says;
  document.getElementById("spoken").textContent = `${now.phase} step ${now.index + 1} of ${count}, ${title}. ${says}`; // to screen readers
  document.getElementById("where").textContent = `${now.phase} ${now.index + 1} of ${count}`;
  document.body.dataset.phase = now.phase;
  document.getElementById("back").disabled = document.getElementById("first").disabled = position === 0;
  document.getElementById("on").disabled = document.getElementById("end").disabled = position === lastPosition;
  rememberInAddress(position);
}

/** So that a step can be linked to; in a notebook's frame there is no address to change. */
function rememberInAddress(position) {
  try {
    history.replaceState(null, "", `#${position + 1}`);
  } catch {
    return;
  }
}

function play() {
  if (state.playing !== null) return pause();
  if (state.position === lastPosition) go(0);
  state.playing = setInterval(() => (state.position < lastPosition ? go(state.position + 1) : pause()), 1100);
  document.getElementById("play").setAttribute("aria-pressed", "true");
}

function pause() {
  clearInterval(state.playing);
  state.playing = null;
  document.getElementById("play").setAttribute("aria-pressed", "false");
}

function setZoom(value) {
  zoom = Math.max(1, Math.min(5, value));
  repaintPictures();
}

const keys = {
  ArrowRight: () => go(state.position + 1),
  ArrowLeft: () => go(state.position - 1),
  Home: () => go(0),
  End: () => go(lastPosition),
  l: () => go(Math.min(forwards.length, lastPosition)),
  " ": play,
  b: () => jumpToOtherPhase(),
  p: () => pinFirst(),
  f: () => foldAll(boxes.some((box) => !box.open)),
  o: () => setFollow(!state.follow),
  "+": () => setZoom(zoom + 1),
  "-": () => setZoom(zoom - 1),
  Escape: () => pin.key !== null && togglePin(pin.key, pin.index),
};

function jumpToOtherPhase() {
  const now = at(state.position);
  if (now.phase === "backward" && now.back.step !== undefined) go(now.back.step);
  else if (now.phase === "forward" && backwardOf.has(now.node)) go(forwards.length + backwardOf.get(now.node));
}

/** Pin the first element of what this step is about. */
function pinFirst() {
  const now = at(state.position);
  const key = now.step ? `F${now.phase === "forward" ? now.index : now.back.step}.0` : now.node;
  const shape = shapeOfKey(key);
  if (shape && shape.every((size) => size > 0)) togglePin(key, shape.map(() => 0));
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.id === "slider" && event.key.startsWith("Arrow")) return;
  if (event.key === " " && event.target.closest("button, [role=button]")) return;
  const action = keys[event.key] || keys[event.key.toLowerCase()];
  if (!action) return;
  event.preventDefault();
  pause();
  action();
}

function listen(id, action) {
  document.getElementById(id).addEventListener("click", () => {
    if (id !== "play") pause();
    action();
  });
}

function start() {
  document.body.append(pointer);
  buildTree();
  const isLarge = foldLarge();
  const slider = document.getElementById("slider");
  slider.max = lastPosition;
  slider.style.setProperty("--turn", `${(100 * forwards.length) / Math.max(lastPosition, 1)}%`);
  slider.addEventListener("input", () => {
    pause();
    go(Number(slider.value));
  });
  drawGraph();
  fitGraph();
  for (const [id, action] of Object.entries({
    first: () => go(0), back: keys.ArrowLeft, play, on: keys.ArrowRight, turn: keys.l, end: () => go(lastPosition),
    "zoom-in": () => scaleGraph(graph.scale * 1.25), "zoom-out": () => scaleGraph(graph.scale / 1.25), fit: fitGraph,
    "fold-all": () => foldAll(false), "open-all": () => foldAll(true), follow: () => setFollow(!state.follow),
    "larger": () => setZoom(zoom + 1), "smaller": () => setZoom(zoom - 1),
  })) listen(id, action);
  document.getElementById("folding").hidden = boxes.length === 0;
  document.addEventListener("keydown", onKey);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaintPictures);
  setFollow(isLarge);
  const wanted = Number(location.hash.slice(1)) - 1;
  show(wanted >= 0 && wanted <= lastPosition ? Math.floor(wanted) : 0);
  centreGraph(state.position, false);
}

if (forwards.length) start();
else document.getElementById("panel").append(h("p", { class: "says" }, "Nothing was recorded: no operation of the engine ran in the block."));
