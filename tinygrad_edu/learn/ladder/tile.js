// A tile of the result is worked out in registers, and written to memory once.
function showTile(data, element) {
  const {a, b, c, rows, lanes} = data;
  const depth = b.length, height = a.length, width = b[0].length, wide = 2 * lanes;
  const tilesAcross = width / wide, tiles = (height / rows) * tilesAcross, perTile = depth + 1;
  const A = new Matrix(`A, ${height} × ${depth}`, height, depth), B = new Matrix(`B, ${depth} × ${width}`, depth, width);
  const C = new Matrix(`C = A · B in memory, ${height} × ${width}`, height, width);
  const registers = new Matrix(`registers: ${rows} rows of two vectors of ${lanes}`, rows, wide);
  const stage = makeElement('div', 'stage'), product = makeElement('div', 'product');
  const side = makeElement('div'), facts = makeElement('p', 'facts');
  product.append(makeElement('div'), B.element, A.element, C.element);
  side.append(registers.element, facts);
  stage.append(product, side);

  new Player(element, stage, tiles * perTile, step => {
    const tile = Math.floor(step / perTile), k = step % perTile, isStore = k === depth;
    const top = Math.floor(tile / tilesAcross) * rows, left = (tile % tilesAcross) * wide;
    const isInTile = (i, j) => i >= top && i < top + rows && j >= left && j < left + wide;
    const isWritten = (i, j) => {
      const number = Math.floor(i / rows) * tilesAcross + Math.floor(j / wide);
      return number < tile || (number === tile && isStore);
    };
    const last = isStore ? depth - 1 : k;
    A.draw((i, j) => a[i][j], (i, j) => !isStore && i >= top && i < top + rows && j === k ? 'a' : '');
    B.draw((i, j) => b[i][j], (i, j) => !isStore && i === k && j >= left && j < left + wide ? 'b' : '');
    C.draw((i, j) => isWritten(i, j) ? c[i][j] : null,
      (i, j) => isInTile(i, j) ? (isStore ? 'done' : 'c') : isWritten(i, j) ? 'done' : '');
    const sum = (i, j) => {
      let total = 0;
      for (let q = 0; q <= last; q++) total += a[top + i][q] * b[q][left + j];
      return total;
    };
    registers.draw(sum, () => isStore ? 'done' : 'c');
    const loads = (tile * depth + last + 1) * (2 + rows), products = (tile * depth + last + 1) * 2 * rows;
    facts.replaceChildren('Loads so far: ', makeElement('b', '', loads), ', for ', makeElement('b', '', products),
      ` products of vectors. Without a tile, each product would load both its factors: ${2 * products}.`);
    if (isStore) return `The tile is finished. Its ${rows} × ${wide} numbers are written to memory, once.`;
    return `Step ${k} of the sum: two vectors of row ${k} of B, and one number for each of ${rows} rows of A, are loaded. `
      + `Each number meets both vectors, and the registers take up ${2 * rows} products of vectors.`;
  });
}
