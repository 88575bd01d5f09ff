// The dashboard: which part is shown, and what is said above all of them.

import { keep } from './api.js';
import { byId, setText } from './elements.js';
import { feed, look, onFeed } from './feed.js';
import * as moderation from './moderation.js';
import { askToDrain, showNodes } from './nodes.js';
import { make } from './parts.js';
import { drawPlots } from './plots.js';
import * as rooms from './rooms.js';
import * as sessions from './sessions.js';
import { showShards } from './shards.js';
import { lasting } from './words.js';

const PARTS = { overview: { show: showOverview }, rooms, sessions, moderation };
const theme = document.documentElement.dataset;

let shown; // how it stood when parts were shown last
let part;

function go() {
  const [name, ...rest] = location.hash.slice(2).split('/');
  part = name in PARTS ? name : 'overview';
  const isOpen = feed.node && feed.state !== 'locked';
  for (const link of document.querySelectorAll('nav a')) link.ariaCurrent = link.hash === `#/${name}` ? 'page' : null;
  for (const other in PARTS) byId(other).hidden = !isOpen || other !== part;
  byId('key').hidden = feed.state !== 'locked';
  if (isOpen) PARTS[part].show(decodeURIComponent(rest.join('/')));
}

onFeed(() => {
  if (shown !== feed.state) go();
  shown = feed.state;
  showNotice();
  showNodes();
  if (part === 'overview') showOverview();
});

function showOverview() {
  drawPlots();
  showShards();
}

function showNotice() {
  const notice = byId('notice');
  if (notice.querySelector('progress')) return;
  let words = '';
  if (feed.state === 'away') words = `The node has not answered for ${lasting(Date.now() - feed.since)}. What is shown is from before.`;
  if (feed.state === 'live' && feed.node.fault) words = `This node is not ready: ${feed.node.fault}.`;
  if (!words) return notice.replaceChildren();
  setText(notice.firstChild ?? notice.appendChild(make('div.strip.warn')), words);
}

byId('theme').onclick = () => {
  const isDark = theme.theme ? theme.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  theme.theme = localStorage.theme = isDark ? 'light' : 'dark';
};
byId('key').onsubmit = async (event) => {
  event.preventDefault();
  keep(byId('key-field').value.trim());
  await look();
  if (feed.state === 'locked') setText(byId('key-words'), 'The node does not know that key.');
};
byId('drain').onclick = askToDrain;
addEventListener('hashchange', go);
document.onvisibilitychange = () => document.hidden || feed.state === 'locked' || look();
go();
look();
