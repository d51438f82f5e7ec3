// Where the nodes of the graph stand: in layers, and the nodes of an open module in a box of their own.
//
// Each box is laid out by itself and is then one node of the box around it. In a box: layers by longest paths, an order
// that avoids crossings by the means of the neighbours (Sugiyama, Tagawa and Toda 1981), and places as near to the
// neighbours as the order allows (isotonic regression, which pools adjacent violators).

const BEND = 8; // how straight an edge over several layers wants to be; one to the next layer: see sizeOfNode
const GAP = { across: 22, down: 34, port: 8, padding: 14, title: 30 };

/**
 * Lay out one box.
 *
 * @param items  [{id, width, height, order, weight}], weight: how much its edges want to be straight. A port, through which
 *               edges come in or go out, has the side "top" or "bottom".
 * @param edges  [{name, from, to, fromShift, toShift}]: ids of items, and how far from their middle the edge is
 * @returns {width, height, places: Map id -> {x, y}, routes: Map name -> [{x, y, end}]}, x and y of the middle top
 */
function layoutBox(items, edges) {
  const nodes = new Map(items.map((item) => [item.id, { ...item, above: [], below: [], up: [], down: [] }]));
  const used = edges.filter(({ from, to }) => nodes.get(from).order < nodes.get(to).order);
  for (const { from, to } of used) {
    nodes.get(from).below.push(nodes.get(to));
    nodes.get(to).above.push(nodes.get(from));
  }
  const layers = makeLayers([...nodes.values()].sort((a, b) => a.order - b.order));
  const chains = insertBends(nodes, used, layers);
  orderLayers(layers);
  placeAcross(layers);
  return measured(layers, chains);
}

/** By longest paths; what has nothing above it stands right above what it is for, but for the ports. */
function makeLayers(sorted) {
  const depth = (node) => node.above.reduce((deepest, other) => Math.max(deepest, other.layer + 1), 0);
  for (const node of sorted) node.layer = depth(node);
  for (const node of [...sorted].reverse()) {
    if (!node.above.length && node.below.length) node.layer = Math.min(...node.below.map((other) => other.layer)) - 1;
  }
  const inner = sorted.filter((node) => !node.side);
  const lowest = Math.min(...inner.map((node) => node.layer), 0) - (inner.length < sorted.length ? 1 : 0);
  const deepest = Math.max(...inner.map((node) => node.layer), 0) + 1;
  const layers = [];
  for (const node of sorted) {
    if (node.side) node.layer = node.side === "top" ? lowest : deepest;
    node.layer -= lowest;
    (layers[node.layer] ||= []).push(node);
  }
  for (let i = 0; i < layers.length; i++) layers[i] ||= [];
  return layers.filter((layer, i) => layer.length || i < layers.length - 1);
}

/** An edge over several layers gets a bend in each of them. */
function insertBends(nodes, edges, layers) {
  const chains = new Map();
  for (const { name, from, to, fromShift = 0, toShift = 0 } of edges) {
    const start = nodes.get(from), end = nodes.get(to);
    const isLong = end.layer - start.layer > 1;
    const weight = isLong && !start.side && !end.side ? BEND : Math.min(start.weight, end.weight);
    const bends = [];
    let last = start;
    for (let layer = start.layer + 1; layer < end.layer; layer++) {
      const bend = { bend: true, width: 6, height: 0, up: [], down: [], order: start.order + 0.1 };
      layers[layer].push(bend);
      join(last, bend, weight, last === start ? fromShift : 0, 0);
      bends.push(bend);
      last = bend;
    }
    join(last, end, weight, last === start ? fromShift : 0, toShift);
    chains.set(name, bends);
  }
  return chains;
}

/** A neighbour wants the other one at its own place, moved by a shift, so that the edge between them is straight. */
function join(upper, lower, weight, upperShift, lowerShift) {
  upper.down.push({ node: lower, weight, shift: lowerShift - upperShift });
  lower.up.push({ node: upper, weight, shift: upperShift - lowerShift });
}

function orderLayers(layers) {
  layers.forEach((layer) => layer.sort((a, b) => a.order - b.order));
  const number = () => layers.forEach((layer) => layer.forEach((node, i) => (node.rank = i)));
  number();
  let best = layers.map((layer) => [...layer]);
  let fewest = crossings(layers);
  for (let round = 0; round < 8 && fewest > 0; round++) {
    const side = round % 2 ? "down" : "up";
    const walk = round % 2 ? [...layers].reverse() : layers;
    for (const layer of walk) {
      for (const node of layer) {
        const others = node[side];
        node.mean = others.length ? others.reduce((sum, x) => sum + x.node.rank, 0) / others.length : node.rank;
      }
      layer.sort((a, b) => a.mean - b.mean || a.order - b.order);
      layer.forEach((node, i) => (node.rank = i));
    }
    const count = crossings(layers);
    if (count < fewest) {
      fewest = count;
      best = layers.map((layer) => [...layer]);
    }
  }
  best.forEach((layer, i) => (layers[i] = layer));
  number();
}

function crossings(layers) {
  let count = 0;
  for (const layer of layers) {
    const lines = layer.flatMap((node) => node.down.map((x) => [node.rank, x.node.rank]));
    if (lines.length > 300) return 0;
    for (let i = 0; i < lines.length; i++) {
      for (let j = 0; j < i; j++) {
        if ((lines[i][0] - lines[j][0]) * (lines[i][1] - lines[j][1]) < 0) count++;
      }
    }
  }
  return count;
}

function placeAcross(layers) {
  for (const layer of layers) {
    let x = 0;
    for (const node of layer) {
      node.x = x + node.width / 2;
      x += node.width + GAP.across;
    }
    const middle = (x - GAP.across) / 2;
    layer.forEach((node) => (node.x -= middle));
  }
  for (let round = 0; round < 6; round++) {
    for (const layer of layers) settle(layer, "up");
    for (const layer of [...layers].reverse()) settle(layer, "down");
  }
  for (const layer of layers) settle(layer, "up");
}

/** Move the nodes of a layer as near to their neighbours as their order and their widths allow. */
function settle(layer, side) {
  let offset = 0;
  const blocks = [];
  layer.forEach((node, i) => {
    if (i) offset += (layer[i - 1].width + node.width) / 2 + GAP.across;
    node.offset = offset;
    const weight = node[side].reduce((sum, x) => sum + x.weight, 0);
    const wanted = weight ? medianOf(node[side], weight) : node.x;
    blocks.push({ sum: (wanted - offset) * (weight || 0.1), weight: weight || 0.1, count: 1 });
    while (blocks.length > 1 && mean(blocks.at(-2)) > mean(blocks.at(-1))) {
      const last = blocks.pop();
      const pooled = blocks.at(-1);
      pooled.sum += last.sum;
      pooled.weight += last.weight;
      pooled.count += last.count;
    }
  });
  let i = 0;
  for (const block of blocks) {
    for (let k = 0; k < block.count; k++, i++) layer[i].x = mean(block) + layer[i].offset;
  }
}

/** Under one neighbour an edge is straight, between two it is not: the median of the neighbours, by their weights. */
function medianOf(neighbours, weight) {
  const wanted = neighbours.map(({ node, shift, weight: own }) => ({ x: node.x + shift, own })).sort((a, b) => a.x - b.x);
  let sum = 0;
  for (const [i, { x, own }] of wanted.entries()) {
    sum += own;
    if (sum === weight / 2) return (x + wanted[i + 1].x) / 2;
    if (sum > weight / 2) return x;
  }
  return 0;
}

function mean(block) {
  return block.sum / block.weight;
}

function measured(layers, chains) {
  const all = layers.flat();
  const left = Math.min(0, ...all.map((node) => node.x - node.width / 2));
  const right = Math.max(0, ...all.map((node) => node.x + node.width / 2));
  const places = new Map();
  let y = 0;
  let gap = 0;
  const isGate = (layer) => layer && layer.every((node) => node.bend || node.side);
  for (const [i, layer] of layers.entries()) {
    const height = Math.max(0, ...layer.map((node) => node.height));
    for (const node of layer) {
      node.x -= left;
      node.y = y + (height - node.height) * (node.atBottom ? 1 : 0.5);
      if (node.bend) Object.assign(node, { y, end: y + height });
      else places.set(node.id, { x: node.x, y: node.y });
    }
    gap = isGate(layer) || isGate(layers[i + 1]) ? GAP.port : GAP.down;
    y += height + gap;
  }
  const routes = new Map();
  for (const [name, bends] of chains) routes.set(name, bends.map((bend) => ({ x: bend.x, y: bend.y, end: bend.end })));
  return { width: right - left, height: Math.max(y - gap, 0), places, routes };
}
