// The last five minutes of the node, a row a second: asked for again and again, each time from where the last answer ended.

import { get } from './api.js';

const ROWS_MAX = 300;
const STEP_MS = 1_000;

/** `state`: `live`, or why there is nothing new, `since` when; `node` and `nodes` as they were told last. */
export const feed = { state: 'connecting', since: Date.now(), nodes: [], shards: [], columns: [], rows: [] };

let next = 0;
let timer;
const listeners = [];

/** `listener` is called whenever there is something new, or nothing came. */
export const onFeed = (listener) => listeners.push(listener);

export async function look() {
  clearTimeout(timer);
  try {
    take(await get(`/api/v1/recent?since=${next}`));
    enter('live');
  } catch ({ status }) {
    enter(status === 401 || status === 403 ? 'locked' : 'away');
  }
  listeners.forEach((listener) => listener());
  clearTimeout(timer);
  if (feed.state !== 'locked') timer = setTimeout(look, document.hidden ? 10 * STEP_MS : STEP_MS);
}

function enter(state) {
  if (feed.state !== state) Object.assign(feed, { state, since: Date.now() });
}

function take({ node, nodes, shards, columns, rows, next: then }) {
  // Another run of the node numbers its rows anew.
  const isOther = feed.node && feed.node.run !== node.run;
  next = isOther ? 0 : then;
  Object.assign(feed, { node, nodes, shards, columns, rows: isOther ? [] : [...feed.rows, ...rows].slice(-ROWS_MAX) });
}

/** The values of a column, oldest first; `null` where it is not known. A column that came later was nothing before. */
export function column(name) {
  const index = feed.columns.indexOf(name) + 1;
  return feed.rows.map((row) => {
    if (!index) return null;
    return row[index] === undefined ? 0 : row[index];
  });
}

export const columns = (kind) => feed.columns.filter((name) => name.startsWith(`${kind}:`));
