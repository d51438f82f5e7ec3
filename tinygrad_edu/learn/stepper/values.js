// Values: few numbers as a table, many as pictures of their size; any element can be pointed at, and pinned.

const CELLS_IN_TABLE = 8;
let zoom = 1;

/**
 * Show a value.
 *
 * @param number  its place in tape.values
 * @param of      {key, role}: the tensor that it belongs to, and "value" or "grad"; key null if it is nobody's
 */
function showValue(number, of) {
  const value = valueAt(number);
  if (!value) return h("p", { class: "none" }, "none");
  const holder = h("div", { class: "value" });
  const isTable = value.numbers.length <= 64 && value.window.length <= 2 && (value.window.at(-1) || 1) <= CELLS_IN_TABLE;
  holder.append(value.size === 0 ? h("p", { class: "none" }, "no elements") : isTable ? table(value, of) : pictures(value, of));
  const notes = noteOf(value, isTable);
  if (notes) holder.append(h("p", { class: "extent" }, notes));
  return holder;
}

function noteOf(value, isTable) {
  const parts = [];
  if (String(value.window) !== String(value.shape)) parts.push(`the first ${value.window.join(" × ")} of ${value.shape.join(" × ")}`);
  if (!isTable) parts.push(`from ${written(asNumber(value.low))} to ${written(asNumber(value.high))}`);
  if (value.bad) parts.push(`${plural(value.bad, "element")} not finite`);
  return parts.join(", ");
}

// ---- tables ---------------------------------------------------------------------------------------

function table(value, of) {
  const [rows, columns] = matrixOf(value.window);
  const grid = h("table", { class: "numbers", tabindex: 0, "aria-label": labelOfValue(value, of) });
  const largest = largestOf(value);
  const decimals = decimalsFor(value.numbers);
  for (let i = 0; i < rows; i++) {
    const row = h("tr", {});
    for (let j = 0; j < columns; j++) {
      const place = i * columns + j;
      const x = value.numbers[place];
      const cell = h("td", { style: tint(x, largest), class: classOf(x) }, aligned(x, decimals));
      markCell(cell, of, value, place);
      row.append(cell);
    }
    grid.append(row);
  }
  followCursor(grid, value, of, (place) => grid.querySelectorAll("td")[place]);
  return h("div", { class: "scroll" }, grid);
}

/** Return how many decimals the numbers of a table have: four digits of the largest; null if they are written freely. */
function decimalsFor(numbers) {
  if (numbers.length === 1 || numbers.some((x) => typeof x !== "number")) return null;
  const finite = numbers.filter(Number.isFinite);
  if (finite.every(Number.isInteger)) return 0;
  const decimals = 3 - Math.floor(Math.log10(Math.max(...finite.map(Math.abs))));
  return decimals > 6 || decimals < 0 ? null : decimals;
}

function aligned(x, decimals) {
  if (decimals === null || x === 0 || !Number.isFinite(x)) return written(x);
  const text = x.toFixed(decimals);
  return Number(text) === 0 ? written(x, 3) : text.replace("-", "−");
}

function classOf(x) {
  return typeof x !== "number" ? null : Number.isNaN(x) || !Number.isFinite(x) ? "bad" : x === 0 ? "zero" : null;
}

/** Return rows and columns of the pictures; a long vector is written in lines of 64. */
function matrixOf(window) {
  if (window.length === 0) return [1, 1];
  if (window.length === 1) return [Math.ceil(window[0] / 64), Math.min(window[0], 64)];
  return window.slice(-2);
}

function largestOf(value) {
  const ends = [value.low, value.high].filter((x) => x !== undefined).map((x) => Math.abs(asNumber(x)));
  const found = ends.length ? Math.max(...ends) : Math.abs(value.numbers[0]);
  return Number.isFinite(found) && found > 0 ? found : 1;
}

/** Positive numbers have one hue, negative ones the other; the sign is written in the cell as well. */
function tint(x, largest) {
  if (typeof x !== "number" || !Number.isFinite(x) || x === 0) return null;
  const share = Math.round(Math.min(Math.abs(x) / largest, 1) * 46);
  return `background: color-mix(in srgb, var(--${x > 0 ? "plus" : "minus"}) ${share}%, transparent)`;
}

function labelOfValue(value, of) {
  const what = of && of.key ? `${of.role === "value" ? "" : `${of.role === "grad" ? "gradient" : of.role} of `}${nameOfKey(of.key)}` : "value";
  return `${what}, shape ${shapeText(value.shape)}. Arrow keys move, P pins an element`;
}

// ---- pictures -------------------------------------------------------------------------------------

/** Return one canvas for each matrix of the last two dimensions that is shown. */
function pictures(value, of) {
  const [rows, columns] = matrixOf(value.window);
  const count = Math.max(Math.floor(value.numbers.length / (rows * columns)), 1);
  const holder = h("div", { class: "tiles", tabindex: 0, role: "img", "aria-label": labelOfValue(value, of) });
  const size = cellSize(rows, columns, count);
  const tiles = [];
  for (let k = 0; k < count; k++) {
    const canvas = h("canvas", { class: "tile" });
    const leading = leadingIndex(value.window.slice(0, -2), k);
    const caption = leading.length && count > 1 ? h("figcaption", {}, `[${leading.join(", ")}]`) : null;
    tiles.push({ canvas, first: k * rows * columns });
    holder.append(caption ? h("figure", {}, canvas, caption) : canvas);
  }
  const cells = { rows, columns, width: size, height: value.window.length === 1 ? Math.max(size, 14) : size };
  const paint = (cursor = -1) => tiles.forEach(({ canvas, first }) => paintTile(canvas, value, of, first, cells, cursor));
  paint();
  watchTheme(holder, paint);
  tiles.forEach(({ canvas, first }) => pointAt(canvas, value, of, first, rows, columns));
  followCursor(holder, value, of, null, paint);
  return h("div", {}, h("div", { class: "scroll" }, holder), legend(value));
}

function cellSize(rows, columns, count) {
  const width = count > 1 ? 84 : 300;
  return Math.max(Math.min(Math.floor(width / columns), Math.floor((count > 1 ? 84 : 200) / rows), 22), count > 1 ? 2 : 4);
}

function leadingIndex(sizes, k) {
  const index = [];
  for (let d = sizes.length - 1; d >= 0; d--) {
    index.unshift(k % sizes[d]);
    k = Math.floor(k / sizes[d]);
  }
  return index;
}

const themed = new Set();
function watchTheme(holder, paint) {
  themed.add({ holder, paint });
}

function repaintPictures() {
  for (const entry of themed) entry.holder.isConnected ? entry.paint() : themed.delete(entry);
}

function paintTile(canvas, value, of, first, cells, cursor) {
  const { rows, columns } = cells;
  const [width, height] = [cells.width * zoom, cells.height * zoom];
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  canvas.width = columns * width * ratio;
  canvas.height = rows * height * ratio;
  canvas.style.width = `${columns * width}px`;
  canvas.style.height = `${rows * height}px`;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  const colours = scaleColours();
  const largest = largestOf(value);
  const gap = width >= 8 ? 1 : 0;
  for (let k = 0; k < rows * columns && first + k < value.numbers.length; k++) {
    const x = value.numbers[first + k];
    const area = { left: (k % columns) * width, top: Math.floor(k / columns) * height, width: width - gap, height: height - gap };
    pen.fillStyle = colourOf(x, largest, colours);
    pen.fillRect(area.left, area.top, area.width, area.height);
    if (width >= 9) drawSign(pen, x, area, largest, colours);
  }
  for (const [place, colour] of [[pinnedPlace(of, value), colours.pin], [cursor, colours.ink]]) {
    const k = place - first;
    if (place < 0 || k < 0 || k >= rows * columns) continue;
    const [left, top] = [(k % columns) * width, Math.floor(k / columns) * height];
    for (const [line, grow] of [[colours.paper, 1.5], [colour, 0]]) {
      pen.strokeStyle = line;
      pen.lineWidth = 2;
      pen.strokeRect(left - grow + 1, top - grow + 1, Math.max(width - gap, 5) + 2 * grow - 2, Math.max(height - gap, 5) + 2 * grow - 2);
    }
  }
}

/** Where there is room, what is negative has a stroke, what is not finite a cross. */
function drawSign(pen, x, { left, top, width, height }, largest, colours) {
  const isFinite = Number.isFinite(x);
  if (isFinite && (x >= 0 || -x < 0.12 * largest)) return;
  pen.strokeStyle = isFinite && -x > 0.55 * largest ? colours.paper : colours.ink;
  pen.globalAlpha = 0.7;
  pen.lineWidth = 1;
  pen.beginPath();
  if (isFinite) {
    const middle = Math.round(top + height / 2) + 0.5;
    pen.moveTo(left + width * 0.3, middle);
    pen.lineTo(left + width * 0.7, middle);
  } else {
    pen.moveTo(left + 1, top + 1);
    pen.lineTo(left + width - 1, top + height - 1);
    pen.moveTo(left + width - 1, top + 1);
    pen.lineTo(left + 1, top + height - 1);
  }
  pen.stroke();
  pen.globalAlpha = 1;
}

function scaleColours() {
  const style = getComputedStyle(document.documentElement);
  const get = (name) => style.getPropertyValue(name).trim();
  return { zero: rgb(get("--zero")), plus: rgb(get("--plus")), minus: rgb(get("--minus")), bad: get("--bad"), pin: get("--pin"), ink: get("--ink"), paper: get("--card") };
}

function rgb(hex) {
  return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
}

function colourOf(x, largest, colours) {
  if (typeof x !== "number" || !Number.isFinite(x)) return colours.bad;
  const share = Math.min(Math.abs(x) / largest, 1) ** 0.75;
  const end = x > 0 ? colours.plus : colours.minus;
  return `rgb(${colours.zero.map((c, i) => Math.round(c + (end[i] - c) * share)).join(" ")})`;
}

function legend(value) {
  const largest = largestOf(value);
  return h("div", { class: "legend", "aria-hidden": "true" }, h("span", {}, written(-largest, 3)), h("span", { class: "bar" }), h("span", {}, written(largest, 3)));
}

// ---- pointing and pinning -------------------------------------------------------------------------

/** Return the index of an element in the whole value: windows begin at 0 in every dimension. */
function indexAt(value, place) {
  const index = [];
  for (let d = value.window.length - 1; d >= 0; d--) {
    index.unshift(place % value.window[d]);
    place = Math.floor(place / value.window[d]);
  }
  return index;
}

function pinnedPlace(of, value) {
  if (!pin.key || !of || of.key !== pin.key || String(shapeOfKey(pin.key)) !== String(value.shape)) return -1;
  return placeInWindow(value, pin.index);
}

function describeElement(value, of, place) {
  const name = of && of.key ? nameOfKey(of.key) : "";
  const what = of && of.role !== "value" ? `${of.role === "grad" ? "gradient" : of.role} of ${name}` : name;
  return `${what}${indexText(indexAt(value, place))} = ${written(value.numbers[place], 6)}`;
}

function markCell(cell, of, value, place) {
  const name = describeElement(value, of, place);
  cell.title = of && of.key ? `${name}: click to pin it` : name;
  if (pinnedPlace(of, value) === place) cell.classList.add("pin");
  if (of && of.key) cell.addEventListener("click", () => togglePin(of.key, indexAt(value, place)));
}

const pointer = h("div", { class: "pointer", role: "status" });

function pointAt(canvas, value, of, first, rows, columns) {
  const placeUnder = (event) => {
    const area = canvas.getBoundingClientRect();
    const i = Math.floor(((event.clientY - area.top) / area.height) * rows);
    const j = Math.floor(((event.clientX - area.left) / area.width) * columns);
    const place = first + i * columns + j;
    return i < 0 || j < 0 || i >= rows || j >= columns || place >= value.numbers.length ? -1 : place;
  };
  canvas.addEventListener("pointermove", (event) => {
    const place = placeUnder(event);
    if (place >= 0) showPointer(describeElement(value, of, place), event.clientX, event.clientY);
  });
  canvas.addEventListener("pointerleave", hidePointer);
  canvas.addEventListener("click", (event) => {
    const place = placeUnder(event);
    if (place >= 0 && of && of.key) togglePin(of.key, indexAt(value, place));
  });
}

function showPointer(text, x, y) {
  pointer.textContent = text;
  pointer.classList.add("shown");
  const width = pointer.offsetWidth;
  pointer.style.left = `${Math.max(Math.min(x + 14, innerWidth - width - 8), 8)}px`;
  pointer.style.top = `${Math.max(y - 38, 8)}px`;
}

function hidePointer() {
  pointer.classList.remove("shown");
}

/** Let the arrow keys move over the elements of a value that has the focus, and P pin one. */
function followCursor(holder, value, of, cellAt, repaint) {
  let place = -1;
  const columns = matrixOf(value.window)[1];
  const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
  const show = (next) => {
    if (cellAt && place >= 0) cellAt(place).classList.remove("cursor");
    place = Math.max(0, Math.min(value.numbers.length - 1, next));
    if (cellAt) cellAt(place).classList.add("cursor");
    else repaint(place);
    const area = (cellAt ? cellAt(place) : holder).getBoundingClientRect();
    showPointer(describeElement(value, of, place), area.left, area.top);
  };
  holder.addEventListener("keydown", (event) => {
    if (event.key in moves) show(place < 0 ? 0 : place + moves[event.key]);
    else if (event.key.toLowerCase() === "p" && of && of.key) togglePin(of.key, indexAt(value, Math.max(place, 0)));
    else if (event.key === "Escape") holder.blur();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  holder.addEventListener("blur", () => {
    if (cellAt && place >= 0) cellAt(place).classList.remove("cursor");
    if (repaint) repaint(-1);
    place = -1;
    hidePointer();
  });
}
