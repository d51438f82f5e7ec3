// A sequence of steps, with buttons, a slider and keys. `show(step)` draws one.
function makeElement(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

class Matrix {
  // A grid of cells; `values` may hold null for what is not known yet.
  constructor(label, rows, columns) {
    this.element = makeElement('div');
    this.element.append(makeElement('p', 'label', label));
    const grid = makeElement('div', 'matrix');
    grid.style.gridTemplateColumns = `repeat(${columns}, auto)`;
    this.cells = [];
    for (let i = 0; i < rows; i++) {
      this.cells.push([]);
      for (let j = 0; j < columns; j++) {
        const cell = makeElement('div', 'cell');
        this.cells[i].push(cell);
        grid.append(cell);
      }
    }
    this.element.append(grid);
  }

  draw(value, mark) {
    this.cells.forEach((row, i) => row.forEach((cell, j) => {
      const number = value(i, j);
      cell.textContent = number === null ? '' : String(number).replace('-', '−');
      cell.className = `cell ${mark(i, j)}`.trim();
    }));
  }
}

class Player {
  constructor(element, stage, count, show) {
    this.element = element;
    this.count = count;
    this.show = show;
    this.step = 0;
    this.timer = null;
    this.say = makeElement('p', 'say');
    this.say.setAttribute('aria-live', 'polite');
    const controls = makeElement('div', 'controls');
    const button = (text, label, action) => {
      const made = makeElement('button', '', text);
      made.type = 'button';
      made.setAttribute('aria-label', label);
      made.addEventListener('click', action);
      controls.append(made);
      return made;
    };
    button('|◀', 'to the beginning', () => this.go(0));
    this.back = button('◀', 'a step back', () => this.go(this.step - 1));
    this.play = button('Play', 'play', () => this.toggle());
    this.play.className = 'main';
    this.next = button('▶', 'a step on', () => this.go(this.step + 1));
    button('▶|', 'to the end', () => this.go(this.count - 1));
    this.slider = makeElement('input');
    Object.assign(this.slider, {type: 'range', min: 0, max: count - 1, value: 0});
    this.slider.setAttribute('aria-label', 'step');
    this.slider.addEventListener('input', () => this.go(Number(this.slider.value)));
    this.counter = makeElement('span', 'count');
    controls.append(this.slider, this.counter);
    element.append(stage, this.say, controls);
    element.addEventListener('keydown', event => this.key(event));
    this.draw();
  }

  go(step) {
    this.pause();
    this.step = Math.min(Math.max(step, 0), this.count - 1);
    this.draw();
  }

  draw() {
    this.say.textContent = this.show(this.step);
    this.slider.value = this.step;
    this.counter.textContent = `step ${this.step + 1} of ${this.count}`;
    this.back.disabled = this.step === 0;
    this.next.disabled = this.step === this.count - 1;
  }

  toggle() {
    if (this.timer !== null) return this.pause();
    if (this.step === this.count - 1) this.step = -1;
    const on = () => {
      this.step += 1;
      this.draw();
      if (this.step === this.count - 1) this.pause();
    };
    on();
    this.timer = setInterval(on, 900);
    this.play.textContent = 'Pause';
    this.play.setAttribute('aria-label', 'pause');
  }

  pause() {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
    this.play.textContent = 'Play';
    this.play.setAttribute('aria-label', 'play');
  }

  key(event) {
    if (event.target === this.slider || event.ctrlKey || event.metaKey || event.altKey) return;
    const steps = {ArrowRight: this.step + 1, ArrowLeft: this.step - 1, Home: 0, End: this.count - 1};
    if (event.key in steps) {
      this.go(steps[event.key]);
    } else if (event.key === ' ' && event.target.tagName !== 'BUTTON') {
      this.toggle();
    } else {
      return;
    }
    event.preventDefault();
  }
}
