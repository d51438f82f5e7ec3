// What the page knows: the tape as it was written by Python, and what follows from it.

const tape = JSON.parse(document.getElementById("data").textContent);
const forwards = tape.forward;
const backwards = tape.backward;
const lastPosition = Math.max(forwards.length + backwards.length - 1, 0);

/** The keys of tensors: "L3" is leaf 3, "F5.0" is output 0 of forward step 5. */
function keyOf(place) {
  if (place.leaf !== undefined) return `L${place.leaf}`;
  if (place.step !== undefined) return `F${place.step}.${place.output}`;
  return null;
}

function nodeOfKey(key) {
  return key === null ? null : key.split(".")[0];
}

/** Positions run over the forward and then over the backward. */
function at(position) {
  if (position < forwards.length) {
    const step = forwards[position];
    return { phase: "forward", index: position, step, node: `F${position}` };
  }
  const index = position - forwards.length;
  const back = backwards[index];
  const node = back.step !== undefined ? `F${back.step}` : `L${back.leaf}`;
  return { phase: "backward", index, back, step: forwards[back.step], node };
}

/** For each node, the backward step that visits it; for each, the position of its forward. */
const backwardOf = new Map();
backwards.forEach((back, index) => {
  backwardOf.set(back.step !== undefined ? `F${back.step}` : `L${back.leaf}`, index);
});

/** For each tensor, who reads it: {step, input}. */
const readersOf = new Map();
forwards.forEach((step, index) => {
  step.inputs.forEach((input, number) => {
    const key = keyOf(input);
    if (key === null) return;
    if (!readersOf.has(key)) readersOf.set(key, []);
    readersOf.get(key).push({ step: index, input: number });
  });
});

/** For each tensor, the gradients that are sent to it: {back, sent}. */
const sentTo = new Map();
backwards.forEach((back, index) => {
  back.sent.forEach((sent, number) => {
    const key = keyOf(sent);
    if (key === null || sent.value === null) return;
    if (!sentTo.has(key)) sentTo.set(key, []);
    sentTo.get(key).push({ back: index, sent, number });
  });
});

/** Return what was sent along the edge from a tensor to an input of a step; null if nothing was. */
function sentAlong(step, input) {
  const index = backwardOf.get(`F${step}`);
  if (index === undefined) return null;
  const sent = backwards[index].sent[input];
  return sent && sent.value !== null && keyOf(sent) !== null ? { back: index, sent } : null;
}

/** Return the name of a tensor: the user's, or that of the operation which made it. */
function nameOfKey(key) {
  if (key === null) return "a constant";
  if (key.startsWith("L")) {
    const leaf = tape.leaves[Number(key.slice(1))];
    return leaf.name || `${leaf.kind === "data" ? "data" : leaf.kind} ${shapeText(tape.values[leaf.value].shape)}`;
  }
  const [node, output] = key.slice(1).split(".").map(Number);
  const step = forwards[node];
  const name = step.names[output];
  return name || `output of ${step.op}`;
}

/** Return the value of a tensor. */
function valueOfKey(key) {
  if (key.startsWith("L")) return tape.leaves[Number(key.slice(1))].value;
  const [node, output] = key.slice(1).split(".").map(Number);
  const value = forwards[node].outputs[output];
  return value === undefined ? null : value;
}

/** Return the shape of a tensor; null if it was not seen. */
function shapeOfKey(key) {
  const value = valueOfKey(key);
  return value === null ? null : tape.values[value].shape;
}

/** Return what an operation is called on the page, with the numbers that were given to it: "Pow 2". */
function titleOf(step) {
  const numbers = step.inputs.filter((input) => typeof input.number === "number").map((x) => written(x.number));
  return numbers.length ? `${step.op} ${numbers.join(" ")}` : step.op;
}

// ---- numbers of values ----------------------------------------------------------------------------

const decoded = new Map();

/** Return what is shown of a value: {shape, window, numbers}, the numbers in the order of the window. */
function valueAt(number) {
  if (number === null || number === undefined) return null;
  if (!decoded.has(number)) {
    const value = tape.values[number];
    const window = value.window || value.shape;
    const numbers = value.numbers ? value.numbers.map(asNumber) : unpacked(value.bytes);
    decoded.set(number, { ...value, number, window, numbers, size: value.shape.reduce((a, b) => a * b, 1) });
  }
  return decoded.get(number);
}

function asNumber(x) {
  if (x === true) return 1;
  if (x === false) return 0;
  const special = { nan: NaN, inf: Infinity, "-inf": -Infinity };
  return x in special ? special[x] : x;
}

/** Numbers come as the first 24 bits of a float32. */
function unpacked(text) {
  const bytes = atob(text);
  const view = new DataView(new ArrayBuffer(4));
  const numbers = new Array(bytes.length / 3);
  for (let i = 0; i < numbers.length; i++) {
    view.setUint8(0, bytes.charCodeAt(3 * i));
    view.setUint8(1, bytes.charCodeAt(3 * i + 1));
    view.setUint8(2, bytes.charCodeAt(3 * i + 2));
    numbers[i] = Number(view.getFloat32(0).toPrecision(5));
  }
  return numbers;
}

/** Return the place of an element, [2, 0], in the window of a value; -1 if it is not shown. */
function placeInWindow(value, index) {
  let place = 0;
  if (index.length !== value.window.length) return -1;
  for (let d = 0; d < index.length; d++) {
    if (index[d] >= value.window[d]) return -1;
    place = place * value.window[d] + index[d];
  }
  return place;
}

/** Return the element of a value at an index; undefined if it is not shown. */
function elementAt(value, index) {
  const place = value ? placeInWindow(value, index) : -1;
  return place < 0 ? undefined : value.numbers[place];
}

function indexText(index) {
  return index.length ? `[${index.join(", ")}]` : "";
}
