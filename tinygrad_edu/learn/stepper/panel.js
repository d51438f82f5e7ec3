// What a step does: the right side of the page.

function drawPanel(position) {
  const now = at(position);
  const step = now.step;
  const body = [heading(now)];
  const says = (now.phase === "forward" ? step : now.back).says;
  if (says) body.push(h("p", { class: "says" }, says.replaceAll("->", "→").replace(/-(?=[\d.])/g, "−")));
  body.push(pinPanel(position));
  if (step) body.push(formulas(step, now));
  if (now.phase === "forward") body.push(...forwardParts(step, now.index));
  else if (now.back.kind === "op") body.push(...backwardParts(now.back, step));
  else body.push(...accumulation(now.back));
  if (step) body.push(engineText(step, now.phase));
  document.getElementById("panel").replaceChildren(...body.filter(Boolean));
}

function heading(now) {
  const { phase, index, step, back } = now;
  const count = phase === "forward" ? forwards.length : backwards.length;
  const other = phase === "forward" ? backwardOf.get(now.node) : back.step;
  const jump = other === undefined ? null : phase === "forward" ? forwards.length + other : other;
  const path = step ? pathOf(step) : [];
  return h("header", { class: "step" },
    h("p", { class: `phase ${phase}` }, h("span", { class: "chip" }, phase === "forward" ? "forward" : "backward"), ` step ${index + 1} of ${count}`,
      jump === null ? null : h("button", { type: "button", class: "quiet", onclick: () => go(jump) }, phase === "forward" ? "see its backward" : "see its forward")),
    title(step ? titleOf(step) : nameOfKey(now.node) + (back.kind === "collect" ? ": its gradient" : ".grad")),
    path.length ? h("p", { class: "path" }, path.join(" › ")) : null);
}

function title(text) {
  return h("h2", { class: text.length > 24 ? "long" : null }, text);
}

function pathOf(step) {
  const names = [];
  for (let number = step.module; number !== null; number = tape.modules[number].parent) {
    const { name, kind } = tape.modules[number];
    names.unshift(name ? `${name}: ${kind}` : kind);
  }
  return names;
}

/** The formula, and in the forward the local derivatives; in the backward each input has its own, where it goes on. */
function formulas(step, now) {
  const about = tape.ops[step.about];
  if (!about.formula) return about.doc ? h("p", { class: "doc" }, about.doc) : null;
  const derivatives = now.phase === "forward" ? Object.entries(about.local).filter(([input]) => wantsGrad(step, input)) : [];
  return h("section", { class: "formula" },
    h("div", { class: "rule" }, math(about.formula)),
    derivatives.map(([, markup]) => h("div", { class: "rule derivative" }, math(markup))),
    about.remark ? h("p", { class: "small" }, about.remark) : null);
}

function wantsGrad(step, number) {
  return Boolean(step.inputs[number] && step.inputs[number].wantsGrad);
}

/** Return what the formula calls an input. */
function argumentOf(step, number) {
  const names = tape.ops[step.about].arguments;
  const last = names.at(-1);
  if (number < names.length && !names[number].startsWith("*")) return names[number];
  return last && last.startsWith("*") ? `${last.slice(1)} ${number - names.length + 1}` : "";
}

function argumentTag(step, number) {
  const name = argumentOf(step, number);
  return name ? h("i", { class: "argument" }, name) : null;
}

// ---- forward ----------------------------------------------------------------------------------------

function forwardParts(step, index) {
  if (!step.seen) return [h("p", { class: "note" }, "This ran before anything was recorded: of its forward, only the name and the edges are known.")];
  const inputs = step.inputs.map((input, number) => operandPart(input, number, step)).filter(Boolean);
  const outputs = step.outputs.map((value, number) => tensorPart(`F${index}.${number}`, value, step.outputs.length > 1 ? `output ${number}` : "output"));
  const parts = [h("section", {}, h("h3", {}, "Goes in"), inputs)];
  if (step.stretched.length) parts.push(h("p", { class: "note" }, step.stretched.join("; ")));
  if (step.options.length) parts.push(options(step));
  parts.push(h("section", {}, h("h3", {}, "Comes out"), outputs));
  parts.push(keptPart(step));
  return parts;
}

function operandPart(input, number, step) {
  if (input.value === null) {
    if (input.number === "None" || input.number === undefined) return null;
    const text = typeof input.number === "number" ? written(input.number) : input.number;
    return h("div", { class: "tensor" }, h("p", { class: "label" }, argumentTag(step, number), h("b", {}, text), h("span", { class: "shape" }, "a number")));
  }
  const key = keyOf(input);
  return tensorPart(key, input.value, originOf(input, key), input.name, "value", argumentTag(step, number));
}

function originOf(input, key) {
  if (key === null) return "a constant";
  if (key.startsWith("L")) return tape.leaves[Number(key.slice(1))].kind;
  const made = Number(nodeOfKey(key).slice(1));
  return `from ${titleOf(forwards[made])}, forward ${made + 1}`;
}

function tensorPart(key, value, note, name, role = "value", tag = null) {
  const shown = valueAt(value);
  const dtype = shown && shown.dtype !== "float32" ? `, ${shown.dtype}` : "";
  const title = name || (key ? nameOfKey(key) : "constant");
  return h("div", { class: "tensor" },
    h("p", { class: "label" }, tag, h("b", {}, title), " ", shown ? h("span", { class: "shape" }, shapeText(shown.shape) + dtype) : null, note ? h("span", { class: "from" }, note) : null),
    showValue(value, { key, role }));
}

function options(step) {
  return h("p", { class: "note options" }, step.options.map(([name, text], i) => [i ? ", " : "", h("code", {}, `${name}=${text}`)]));
}

function keptPart(step) {
  if (!step.inGraph) return h("p", { class: "note" }, "Nobody wants its gradient: it leaves no node in the graph.");
  if (!step.saved.length) return h("p", { class: "note" }, "It keeps no array for the backward.");
  const lines = step.saved.map((saved) => {
    const when = saved.freedBy === null ? (tape.retained ? "retained" : "not freed in this backward") : `freed at backward ${saved.freedBy + 1}`;
    const what = saved.role.replace("input", "its input").replace("output", "its output").replace("made here", "made for it");
    return h("li", {}, h("b", {}, what), ` ${shapeText(tape.values[saved.value].shape)}, ${bytesText(saved.bytes)}`,
      saved.freedBy === null ? `, ${when}` : [", ", h("button", { type: "button", class: "quiet", onclick: () => go(forwards.length + saved.freedBy) }, when)]);
  });
  return h("section", {}, h("h3", {}, "Kept for the backward"), h("ul", { class: "kept" }, lines));
}

// ---- backward ---------------------------------------------------------------------------------------

function backwardParts(back, step) {
  const incoming = back.grads.map((value, number) => incomingPart(back, value, number)).filter(Boolean);
  const parts = [h("section", {}, h("h3", {}, "Gradient that comes in"), incoming.length ? incoming : h("p", { class: "none" }, "none"))];
  if (back.hooked) parts.push(h("p", { class: "note" }, "A hook of the tensor replaced what had been sent."));
  const going = back.sent.map((sent) => sentPart(sent, back, step)).filter(Boolean);
  parts.push(h("section", {}, h("h3", {}, "Goes on"), going.length ? going : h("p", { class: "none" }, "Nothing: no input wants a gradient.")));
  if (back.freed.length) {
    const bytes = back.freed.reduce((sum, [, size]) => sum + size, 0);
    parts.push(h("p", { class: "note" }, `Now given up: ${back.freed.map(([role]) => role.replace("made here", "an array made for it")).join(", ")} (${bytesText(bytes)}).`));
  }
  return parts;
}

function incomingPart(back, value, number) {
  if (value === null) return null;
  const key = `F${back.step}.${number}`;
  const senders = back.cameFrom.filter(([sender, input]) => backwards[sender].sent[input].output === number);
  const from = senders.length ? `from ${senders.map(([sender]) => titleOf(forwards[backwards[sender].step])).join(" and ")}` : "the loss itself: 1, or what was given to backward";
  return h("div", {}, tensorPart(key, value, from, `gradient of ${nameOfKey(key)}`, "grad", h("i", { class: "argument" }, back.grads.length > 1 ? `g ${number}` : "g")), senders.length > 1 && !back.hooked ? sumOfSenders(senders, value) : null);
}

/** Write a sum out, element by element if there are few: 0.30 + 0.12 = 0.42. */
function sumOfSenders(senders, total) {
  const terms = senders.map(([sender, input]) => valueAt(backwards[sender].sent[input].value));
  const sum = valueAt(total);
  if (!isShort(sum) || terms.length > 6) return h("p", { class: "note" }, `It is the sum of ${terms.length} gradients.`);
  return sumsOf(sum, (i) => terms.map((term, k) => [k ? " + " : "", k ? operand(term.numbers[i]) : written(term.numbers[i])]));
}

function isShort(value) {
  return value.numbers.length <= 12 && String(value.window) === String(value.shape);
}

function sumsOf(value, termsAt) {
  return h("ul", { class: "sums" }, value.numbers.map((x, i) =>
    h("li", {}, value.size > 1 ? h("span", { class: "index" }, indexText(indexAt(value, i)), " ") : null, termsAt(i), ` = ${written(x)}`)));
}

function sentPart(sent, back, step) {
  const key = keyOf(sent);
  if (sent.value === null) return null;
  const input = step.inputs[sent.input] || {};
  const target = key === null ? "nowhere: this input needs no gradient" : `to ${key.startsWith("L") ? "the leaf " : ""}${nameOfKey(key)}`;
  const part = h("div", { class: "sent" });
  const markup = (tape.ops[step.about].gradient || {})[sent.input];
  part.append(h("p", { class: "label" }, argumentTag(step, sent.input), h("b", {}, input.name || (key ? nameOfKey(key) : `input ${sent.input}`)), " ", h("span", { class: "shape" }, shapeText(valueAt(sent.value).shape)), h("span", { class: "from" }, target)));
  if (markup && sent.value !== null) part.append(h("div", { class: "formula" }, h("div", { class: "rule" }, math(markup))));
  const rule = productText(sent, back);
  if (rule) part.append(h("p", { class: "sum" }, rule));
  else if (sent.local !== undefined && valueAt(back.grads[0]).size > 1) part.append(productOfArrays(sent, back, key));
  else part.append(showValue(sent.value, { key, role: "grad" }));
  if (sent.summed) part.append(h("p", { class: "note" }, sent.summed));
  if (sent.before !== undefined) part.append(h("div", { class: "waits" }, h("p", { class: "small" }, "added to what waits there from other users"), additions(sent.before, sent.value, sent.total)));
  return part;
}

function productOfArrays(sent, back, key) {
  const part = (title, number, of) => h("div", {}, h("p", { class: "small" }, title), showValue(number, of));
  return h("div", { class: "product" }, part("local derivative", sent.local, { key, role: "local derivative" }), part("times g, goes on", sent.value, { key, role: "grad" }));
}

/** Write incoming gradient times local derivative, if both are single numbers. */
function productText(sent, back) {
  const grad = valueAt(back.grads[0]), local = valueAt(sent.local), value = valueAt(sent.value);
  if (!local || !grad || grad.size !== 1 || value.size !== 1) return null;
  return `${written(grad.numbers[0])} · ${operand(local.numbers[0])} = ${written(value.numbers[0])}`;
}

/** Write "before + added = after" out, if there are few elements; else show before and after. */
function additions(before, added, after) {
  const [a, b, c] = [before, added, after].map(valueAt);
  if (isShort(c)) return sumsOf(c, (i) => [written(a.numbers[i]), " + ", h("em", {}, operand(b.numbers[i]))]);
  const part = (title, number) => h("div", {}, h("p", { class: "small" }, title), showValue(number, null));
  return h("div", { class: "product" }, part("before", before), part("after", after));
}

function accumulation(back) {
  const key = `L${back.leaf}`;
  const senders = back.cameFrom.map(([sender]) => titleOf(forwards[backwards[sender].step]));
  const parts = [h("section", {}, h("h3", {}, "Gradient that arrives"), tensorPart(key, back.grads[0], senders.length ? `from ${senders.join(" and ")}` : "", nameOfKey(key), "grad"))];
  if (back.cameFrom.length > 1 && !back.hooked) parts.push(sumOfSenders(back.cameFrom, back.grads[0]));
  if (back.sum) {
    const [before, added, after] = back.sum;
    parts.push(h("section", {}, h("h3", {}, `${nameOfKey(key)}.grad`), 
      h("p", { class: "small" }, before === null ? "there was none before: it is a copy of what arrived" : "what was there before, plus what arrived"),
      before === null ? showValue(after, { key, role: "grad" }) : additions(before, added, after)));
  } else if (back.kind === "collect") {
    parts.push(h("p", { class: "note" }, "autograd.grad returns the gradients that were asked for; no .grad is changed."));
  }
  return parts;
}

// ---- the engine's own text --------------------------------------------------------------------------

function engineText(step, phase) {
  const about = tape.ops[step.about];
  if (!about.forward && !about.backward) return null;
  const blocks = ["forward", "backward"].filter((name) => about[name]).map((name) => {
    const { file, line, text } = about[name];
    const lines = text.trimEnd().split("\n").map((part, i) => h("span", { class: "line" }, h("span", { class: "number" }, line + i), part || " "));
    return h("figure", { class: name === phase ? "code on" : "code" }, h("figcaption", {}, `${file}:${line}`), h("pre", { tabindex: 0 }, h("code", {}, lines)));
  });
  return h("section", { class: "engine" }, h("h3", {}, `The engine: class ${about.name}`), blocks);
}
