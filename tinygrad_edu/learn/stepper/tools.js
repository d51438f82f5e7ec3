// Small tools that all parts use: making elements, writing numbers.

const SVG = "http://www.w3.org/2000/svg";

/** Return a new element: h("p", {class: "note"}, "text", child). What is text stays text, whatever is in it. */
function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** Return a new element of a picture. */
function s(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Return MathML, which the package has written, as an element. */
function math(markup) {
  const holder = document.createElement("span");
  holder.innerHTML = markup;
  return holder;
}

/** Write a number with the digits that matter. */
function written(x, digits = 4) {
  if (typeof x !== "number") return String(x).replaceAll("-", "−");
  if (Number.isNaN(x)) return "NaN";
  if (!Number.isFinite(x)) return x > 0 ? "∞" : "−∞";
  if (x === 0) return "0";
  if (Number.isInteger(x) && Math.abs(x) < 1e6) return String(x).replace("-", "−");
  const size = Math.abs(x);
  let text;
  if (size >= 1e6 || size < 1e-3) {
    const [mantissa, exponent] = x.toExponential(digits - 2).split("e");
    return `${mantissa.replace("-", "−")}e${exponent.replace("+", "").replace("-", "−")}`;
  }
  text = x.toPrecision(digits);
  if (text.includes("e")) text = String(Math.round(x));
  if (text.includes(".")) text = text.replace(/0+$/, "").replace(/\.$/, ".0");
  return text.replace("-", "−");
}

/** Write a number as an operand: negative ones in brackets. */
function operand(x, digits) {
  const text = written(x, digits);
  return text.startsWith("−") ? `(${text})` : text;
}

/** Write a shape as Python does. */
function shapeText(shape) {
  return shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
}

function bytesText(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(bytes < 10240 ? 1 : 0)} KiB`;
  return `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}

function plural(count, word) {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

/** Return the width of a text in the picture's type. */
const widthOf = (() => {
  const pen = document.createElement("canvas").getContext("2d");
  return (text, font) => {
    pen.font = font;
    return pen.measureText(text).width;
  };
})();
