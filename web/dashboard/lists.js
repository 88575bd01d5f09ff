// Tables that are looked at again every few seconds: only what is new in them is written.

import { get } from './api.js';
import { button, setChildren, setText } from './elements.js';
import { asCurl, faultLine, make } from './parts.js';

const LOOK_MS = 3_000;
const TYPING_MS = 200;

/** As many items are asked for. */
export const LIMIT = 500;

export class Table {
  #rows = new Map();

  /** `columns` are `[title, say, className?]`; with `open`, the first is a button that calls it with the item. `key` tells items apart. */
  constructor({ caption, columns, key, open, empty }) {
    Object.assign(this, { columns, key, open });
    const heads = columns.map(([title, , className = '']) => make(`th.${className}`, { scope: 'col' }, title));
    this.body = make('tbody');
    this.empty = make('p.empty', {}, empty);
    this.more = make('p.empty', {}, `There are more than these ${LIMIT}.`);
    const table = make('table', {}, make('caption.unseen', {}, caption), make('thead', {}, make('tr', {}, ...heads)), this.body);
    this.element = make('div.list', { tabIndex: 0, role: 'group', ariaLabel: caption }, table, this.empty, this.more);
  }

  show({ items, next }, chosen) {
    const keys = items.map((item) => String(this.key(item)));
    for (const key of this.#rows.keys()) if (!keys.includes(key)) this.#rows.delete(key);
    setChildren(this.body, items.map((item, index) => this.#row(item, keys[index], chosen)));
    this.empty.hidden = items.length > 0;
    this.more.hidden = !next;
  }

  #row(item, key, chosen) {
    if (!this.#rows.has(key)) this.#rows.set(key, this.#make());
    const row = this.#rows.get(key);
    row.item = item;
    row.element.classList.toggle('chosen', key === chosen);
    this.columns.forEach(([, say], index) => {
      const said = say(item, key);
      if (!(said instanceof Node)) setText(row.cells[index], String(said));
      else if (row.cells[index].firstChild !== said) row.cells[index].replaceChildren(said);
    });
    return row.element;
  }

  #make() {
    const tds = this.columns.map(([, , className = '']) => make(`td.${className}`, { dir: 'auto' }));
    const row = { cells: [...tds], element: make('tr', {}, ...tds) };
    if (this.open) tds[0].append((row.cells[0] = button('', () => this.open(row.item), 'name')));
    return row;
  }
}

/** Calls `look` now and again while `isWanted`. What it throws is written to `fault`. */
export function watch(look, isWanted, fault) {
  let timer;
  let turn = 0;
  return async function again() {
    clearTimeout(timer);
    const own = ++turn;
    if (!isWanted()) return;
    try {
      if (!document.hidden) await look(() => own === turn);
      setText(fault, '');
    } catch ({ message = 'This cannot be shown' }) {
      setText(fault, message);
    }
    if (own === turn) timer = setTimeout(again, LOOK_MS);
  };
}

/** A list that is searched, beside what was chosen of it. `where` says what is asked for. */
export class Browser {
  constructor(view, title, filters, table, where, show) {
    const fault = faultLine();
    let timer;
    this.look = watch(async (isFresh) => show(await get(where()), isFresh), () => !view.hidden, fault);
    for (const filter of filters) {
      filter.oninput = () => {
        clearTimeout(timer);
        timer = setTimeout(this.look, TYPING_MS);
      };
    }
    this.detail = make('section.detail', { hidden: true, ariaLabel: `Of ${title}` });
    const curl = asCurl(() => ['GET', where()]);
    view.append(make('div.side', {}, make('h2.unseen', { id: `${view.id}-title` }, title), make('div.filter', {}, ...filters, curl), fault, table.element), this.detail);
  }
}
