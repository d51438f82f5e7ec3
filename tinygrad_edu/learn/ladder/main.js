// Chooses the kernel whose text is shown, and starts the animations, if there are any.
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const choice = document.getElementById('kernel');
  choice.addEventListener('change', () => {
    for (const rungs of document.querySelectorAll('.rungs')) rungs.hidden = rungs.dataset.kernel !== choice.value;
  });
  if (!data.image) return;
  showIm2col(data, document.getElementById('im2col'));
  showTile(data.tile, document.getElementById('tile'));
  const {rows, lanes} = data.machine;
  document.getElementById('machine').textContent = 'A product of matrices is fast when a number, once loaded, is used often. '
    + 'So a tile of the result stays in registers while the sum runs. Here it has 2 rows of two vectors of 2 numbers; '
    + (rows ? `on the machine that made this page, ${rows} rows of two vectors of ${lanes}, which need ${2 + rows} loads for `
      + `${2 * rows} products of vectors.` : 'the machine that made this page has no such kernel, and uses BLAS.')
    + ' A convolution runs through the same loop: where a row of its columns lies is looked up, and they are never written down.';
})();
