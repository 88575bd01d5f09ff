// Plots of the last five minutes. A moment that is pointed at is pointed at in all of them; their legends say what was then.

import { byId, setChildren, setText } from './elements.js';
import { column, columns, feed } from './feed.js';
import { make } from './parts.js';
import { bytes, clock, columnName, figure, lasting, micros, percent } from './words.js';

const SPAN_S = 300;
const HIGH = 100;
const SERIES_MAX = 6;
const GAP_S = 3.5; // rows further apart are not joined
const STEPS = { ArrowLeft: -1, ArrowRight: 1, Home: -SPAN_S, End: SPAN_S };

const plots = [];
let pointed; // the time of the row that is pointed at

function draw(tag, attributes, ...children) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const name in attributes) made.setAttribute(name, attributes[name]);
  made.append(...children);
  return made;
}

/** A round number not below `n`. */
function roundUp(n, say) {
  if (say === bytes) return 2 ** Math.ceil(Math.log2(n));
  const power = 10 ** Math.floor(Math.log10(n));
  return [1, 2, 5, 10].find((step) => step * power >= n * 0.9999) * power;
}

const lastAt = () => feed.rows.at(-1)?.[0] ?? 0;
const placeOf = (at) => SPAN_S - (lastAt() - at) / 1_000;

function rowAt() {
  const found = feed.rows.findIndex(([at]) => at >= pointed);
  return found < 0 ? feed.rows.length - 1 : found;
}

class Plot {
  #lines = new Map();
  #top = 0;

  constructor(title, series, say, least, hint) {
    Object.assign(this, { series, say, least });
    const grid = [0.5, HIGH / 2, HIGH - 0.5].map((y) => draw('line', { class: 'grid', x2: SPAN_S, y1: y, y2: y }));
    this.svg = draw('svg', { viewBox: `0 0 ${SPAN_S} ${HIGH}`, preserveAspectRatio: 'none', 'aria-hidden': true }, ...grid);
    this.cross = draw('line', { class: 'cross', y2: HIGH });
    this.cursor = make('span.cursor', { hidden: true });
    this.tops = [make('span.top'), make('span.middle')];
    this.legend = make('dl.legend');
    this.sheet = make('div.sheet', {}, this.svg, this.cursor);
    const ariaLabel = `${title}: left and right arrows point at a moment`;
    const frame = make('div.frame', {}, ...this.tops, this.sheet);
    this.element = make('div.plot', { role: 'group', tabIndex: 0, ariaLabel }, make('h4', { title: hint }, title), this.legend, frame);
    this.sheet.onpointermove = ({ clientX }) => {
      const { left, width } = this.sheet.getBoundingClientRect();
      point(lastAt() - (1 - (clientX - left) / width) * SPAN_S * 1_000);
    };
    this.sheet.onpointerleave = this.element.onblur = () => point();
    this.element.onkeydown = (event) => this.#key(event);
    plots.push(this);
  }

  draw() {
    const series = this.series().slice(0, SERIES_MAX);
    const values = series.map(([name]) => column(name));
    const most = Math.max(this.least, ...values.flat());
    // Up at once, and down only when most of it is not needed any more.
    if (most > this.#top || most < this.#top * 0.3) this.#top = roundUp(most, this.say);
    this.tops.forEach((top, index) => setText(top, this.say(this.#top / (index + 1))));
    const lines = series.map(([name, label], index) => this.#line(name, label, index, values[index]));
    setChildren(this.legend, lines.map(({ entry }) => entry));
    for (const [name, { path }] of this.#lines) if (!series.some((one) => one[0] === name)) this.#lines.delete(name, path.remove());
    this.#drawCross();
  }

  #line(name, label, index, values) {
    if (!this.#lines.has(name)) {
      const [path, swatch] = [draw('path'), draw('path', { d: 'M0 4H24' })];
      const term = make('dt', {}, draw('svg', { viewBox: '0 0 24 8', 'aria-hidden': true }, swatch), label);
      this.svg.append(path);
      this.#lines.set(name, { path, swatch, entry: make('div', {}, term, make('dd')) });
    }
    const line = this.#lines.get(name);
    for (const part of [line.path, line.swatch]) part.setAttribute('class', `s${index}`);
    line.path.setAttribute('d', this.#path(values));
    setText(line.entry.lastChild, this.say(values[rowAt()]));
    return line;
  }

  #path(values) {
    let path = '';
    let before = -Infinity;
    values.forEach((value, index) => {
      if (value === null) return;
      const x = placeOf(feed.rows[index][0]);
      const y = HIGH - 0.5 - (value / this.#top) * (HIGH - 1);
      const isApart = x - before > GAP_S;
      path += `${isApart ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}${isApart ? 'h0' : ''}`;
      before = x;
    });
    return path;
  }

  #key(event) {
    if (event.key === 'Escape') point();
    if (!STEPS[event.key] || !feed.rows.length) return;
    event.preventDefault();
    const wanted = Math.max(rowAt() + STEPS[event.key], 0);
    point((feed.rows[wanted] ?? feed.rows.at(-1))[0]);
  }

  #drawCross() {
    this.cursor.hidden = pointed === undefined;
    if (pointed === undefined) return this.cross.remove();
    const at = feed.rows[rowAt()][0];
    const x = placeOf(at);
    for (const name of ['x1', 'x2']) this.cross.setAttribute(name, x);
    this.svg.append(this.cross);
    this.cursor.style.left = `${(x / SPAN_S) * 100}%`;
    this.cursor.style.translate = x > SPAN_S / 2 ? 'calc(-100% - 8px)' : '';
    setText(this.cursor, `${clock(at)}, ${lasting(lastAt() - at)} ago`);
  }
}

function point(at) {
  if (pointed === at || !feed.rows.length) return;
  pointed = at;
  drawPlots();
}

export const drawPlots = () => plots.forEach((plot) => plot.draw());

const split = (kind, otherwise) => () => (columns(kind).length ? columns(kind).map((name) => [name, columnName(name)]) : [[otherwise, 'none']]);
const shares = (name) => () => [[`${name}_p50_us`, 'p50'], [`${name}_p99_us`, 'p99']];
const memory = () => [['memory_bytes', 'process'], ['history_bytes', 'history']];

// What each is called, its columns, how values are written, what its top is at least, and what it means.
const PLOTS = [
  ['Connections', split('protocol', 'sessions'), figure, 10, 'By protocol'],
  ['Posts', () => [['posts', 'per second']], figure, 10, ''],
  ['Deliveries', () => [['deliveries', 'per second']], figure, 10, ''],
  ['Delivery latency', shares('delivery'), micros, 1_000, 'From reading a message to sending it'],
  ['Round trip to clients', shares('lag'), micros, 1_000, 'From a sign of life to its answer'],
  ['Bytes queued', () => [['queued_bytes', 'for slow readers']], bytes, 1_024, ''],
  ['Refusals', split('refused', 'refused'), figure, 1, 'A second, by code'],
  ['CPU', split('cpu'), percent, 0.1, 'Of one core, by shard'],
  ['Memory', memory, bytes, 1_048_576, ''],
];

byId('plots').append(...PLOTS.map((plot) => new Plot(...plot).element));
