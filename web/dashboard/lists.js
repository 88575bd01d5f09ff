// Tables that are looked at again every few seconds: only what is new in them is written.

import { get } from './api.js';
import { button, byId, setChildren, setText } from './elements.js';
import { asCurl, faultLine, make, renew } from './parts.js';

const LOOK_MS = 3_000;
const TYPING_MS = 200;

/** As many items are asked for. */
export const LIMIT = 500;

export class Table {
  #rows = new Map();

  /**
   * `columns` are `[title, say, className?]`; those of the class `actions` say which buttons there are for a row, whose `item` is what it shows then.
   * With `open`, the first column is a button that calls it with the item. `key` tells items apart.
   */
  constructor({ caption, columns, key, open, empty }) {
    Object.assign(this, { columns, key, open });
    const heads = columns.map(([title, , className = '']) => make(`th.${className}`, { scope: 'col' }, title));
    this.body = make('tbody');
    this.empty = make('p.empty', { hidden: true }, empty);
    this.more = make('p.empty', { hidden: true }, `There are more than these ${LIMIT}.`);
    const table = make('table', {}, make('caption.unseen', {}, caption), make('thead', {}, make('tr', {}, ...heads)), this.body);
    this.element = make('div.list', { tabIndex: 0, role: 'group', ariaLabel: caption }, table, this.empty, this.more);
  }

  show({ items, next }, chosen) {
    this.#rows = renew(this.#rows, items.map((item) => String(this.key(item))), () => this.#make());
    setChildren(this.body, [...this.#rows].map(([key, row], index) => this.#fill(row, items[index], key, key === chosen)));
    this.empty.hidden = items.length > 0;
    this.more.hidden = !next;
  }

  #make() {
    const row = { said: [], element: make('tr') };
    this.columns.forEach(([, say, className = ''], index) => {
      const isWay = this.open && !index;
      const inner = isWay ? [button('', () => this.open(row.item), 'name')] : className === 'actions' ? say(row) : [];
      const cell = make(`td.${className}`, { dir: 'auto' }, ...inner);
      row.element.append(cell);
      if (isWay || !inner.length) row.said.push([isWay ? inner[0] : cell, say]);
    });
    return row;
  }

  #fill(row, item, key, isChosen) {
    row.item = item;
    row.element.classList.toggle('chosen', isChosen);
    for (const [node, say] of row.said) setText(node, String(say(item, key)));
    return row.element;
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
  constructor(name, table, where, show) {
    const [view, fault] = [byId(name), faultLine()];
    const [side, detail] = view.children;
    const filter = side.lastElementChild;
    let timer;
    Object.assign(this, { view, detail });
    const look = async (isFresh) => {
      const page = await get(where());
      if (isFresh()) show(page);
    };
    this.look = watch(look, () => !view.hidden, fault);
    filter.oninput = () => {
      clearTimeout(timer);
      timer = setTimeout(this.look, TYPING_MS);
    };
    filter.append(asCurl(() => ['GET', where()]));
    side.append(fault, table.element);
  }
}
