// Windows become columns, one by one; then each column meets the filters.
function showIm2col(data, element) {
  const {image, kernel, columns, filters, out} = data;
  const size = image.length - kernel + 1, windows = size * size, taps = kernel * kernel;
  const pictures = {
    image: new Matrix(`image, ${image.length} × ${image.length}`, image.length, image.length),
    columns: new Matrix(`columns, ${taps} × ${windows}`, taps, windows),
    filters: new Matrix(`${filters.length} filters of ${kernel} × ${kernel}, as rows`, filters.length, taps),
    out: new Matrix(`output = filters · columns, ${filters.length} × ${windows}`, filters.length, windows),
  };
  const stage = makeElement('div', 'stage');
  stage.append(...Object.values(pictures).map(matrix => matrix.element));
  const nothing = () => '';

  new Player(element, stage, 2 * windows + 1, step => {
    const written = Math.min(step + 1, windows);      // columns
    const computed = Math.max(0, Math.min(step + 1 - windows, windows));
    const isWriting = step < windows, isLast = step === 2 * windows;
    const column = isWriting ? step : step - windows;
    const row0 = Math.floor(column / size), column0 = column % size;
    const inWindow = (i, j) => i >= row0 && i < row0 + kernel && j >= column0 && j < column0 + kernel;
    pictures.image.draw((i, j) => image[i][j], (i, j) => !isLast && inWindow(i, j) ? 'a' : '');
    pictures.columns.draw((i, j) => j < written ? columns[i][j] : null,
      (i, j) => !isLast && j === column ? (isWriting ? 'a' : 'b') : '');
    pictures.filters.draw((i, j) => filters[i][j], isWriting || isLast ? nothing : () => 'b');
    pictures.out.draw((i, j) => j < computed ? out[i][j] : null,
      (i, j) => isLast ? 'done' : !isWriting && j === column ? 'c' : '');
    if (isWriting) {
      return `The window at row ${row0}, column ${column0} has ${taps} pixels. They are written one below the other, `
        + `as column ${column}.` + (column === 1 ? ' Its neighbour shares six pixels with it: they are written again.' : '');
    }
    if (isLast) {
      return `Each row of the output, read as ${size} × ${size} pixels, is the image that a filter has made. On the way back `
        + 'col2im adds each column to the pixels it came from.';
    }
    const terms = filters[0].map((weight, tap) => [weight, columns[tap][column]]).filter(([weight]) => weight !== 0)
      .map(([weight, pixel]) => `${weight < 0 ? `(−${-weight})` : weight} · ${pixel}`).join(' + ');
    return `Column ${column} meets the filters. The first one gives ${terms} = ${String(out[0][column]).replace('-', '−')}.`;
  });
}
