// The user's program, with the expression lit that made the node of this step.

let shownFile = null;

function drawCode(position) {
  const now = at(position);
  const ids = now.step ? now.step.lines : tape.calledAt;
  const calledAt = tape.calledAt;
  const [innermost, ...outer] = ids.length ? ids : calledAt;
  const lit = innermost === undefined ? null : tape.lines[innermost];
  const file = lit ? lit[0] : 0;
  showFile(file);
  const marks = new Map();
  for (const id of outer) if (tape.lines[id][0] === file) marks.set(tape.lines[id][1], "caller");
  if (now.phase === "backward") for (const id of calledAt) if (tape.lines[id][0] === file) marks.set(tape.lines[id][1], "caller");
  document.querySelectorAll("#source .line").forEach((line) => {
    const number = Number(line.dataset.number);
    const isLit = lit && number >= lit[1] && number <= lit[2];
    line.classList.toggle("lit", Boolean(isLit));
    line.classList.toggle("caller", !isLit && marks.has(number));
    line.classList.toggle("backward", now.phase === "backward");
    lightColumns(line, isLit ? lit : null, number);
  });
  drawCallers(ids);
  scrollToLit();
}

function showFile(file) {
  if (shownFile === file) return;
  shownFile = file;
  const { name, text } = tape.files[file] || { name: "", text: "" };
  document.getElementById("file").textContent = name;
  const lines = text.replace(/\n$/, "").split("\n").map((line, i) =>
    h("span", { class: "line", "data-number": i + 1 }, h("span", { class: "number" }, i + 1), h("span", { class: "text" }, line || " ")));
  document.getElementById("source").replaceChildren(...(text ? lines : [h("p", { class: "none" }, "The text of this program is not known.")]));
}

/** Light the columns of the expression; without columns the whole line is lit. */
function lightColumns(line, lit, number) {
  const holder = line.querySelector(".text");
  const text = holder.textContent;
  if (!lit || lit[3] < 0) {
    if (holder.querySelector("mark")) holder.replaceChildren(text);
    return;
  }
  const indent = text.length - text.trimStart().length;
  const start = number === lit[1] ? lit[3] : indent;
  const end = number === lit[2] ? lit[4] : text.length;
  holder.replaceChildren(text.slice(0, start), h("mark", {}, text.slice(start, end)), text.slice(end));
}

/** Say through which calls the program came here, outermost first. */
function drawCallers(ids) {
  const holder = document.getElementById("callers");
  if (ids.length < 2) return holder.replaceChildren();
  const names = [...ids].reverse().map((id) => {
    const [file, number, , , , name] = tape.lines[id];
    return `${name === "<module>" ? tape.files[file].name : name}:${number}`;
  });
  holder.replaceChildren(names.join(" › "));
}

function scrollToLit() {
  const holder = document.getElementById("source");
  const line = holder.querySelector(".lit");
  if (!line) return;
  const top = line.offsetTop - holder.offsetTop;
  if (top < holder.scrollTop + 30 || top > holder.scrollTop + holder.clientHeight - 60) holder.scrollTop = top - holder.clientHeight / 2;
}
