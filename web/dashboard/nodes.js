// The nodes of the cluster, how this one is, and its end.

import { get, path } from './api.js';
import { ask } from './ask.js';
import { byId, setChildren, setText } from './elements.js';
import { feed } from './feed.js';
import { listed, make, renew } from './parts.js';
import { count, figure, lasting } from './words.js';

// The worst first.
const WORDS = { gone: 'Gone', cut_off: 'Cut off', draining: 'Draining', starting: 'Starting', ready: 'Ready', connecting: 'Connecting', locked: 'Locked', away: 'No answer' };
const CROWD = 8; // more nodes than these are shown smaller
const DRAIN_STEP_MS = 500;

let cards = new Map();
const rank = ({ state }) => Object.keys(WORDS).indexOf(state);
const own = () => feed.nodes.find(({ is_self }) => is_self);
let isWatched;

export function showNodes() {
  const state = feed.state === 'live' ? own().state : feed.state;
  const { node } = feed;
  byId('health').dataset.state = state;
  setText(byId('health-word'), WORDS[state]);
  setText(byId('health-facts'), node ? `up ${lasting(node.uptime_ms)} · ${node.version} · ${node.id}` : '');
  document.title = `${WORDS[state]} · Heimdallr`;
  byId('drain').disabled = !['ready', 'cut_off'].includes(state);
  if (state === 'draining') watchDrain();
  const nodes = feed.nodes.toSorted((one, other) => rank(one) - rank(other) || one.name.localeCompare(other.name));
  const states = Object.entries(Object.groupBy(nodes, ({ state }) => WORDS[state].toLowerCase()));
  setText(byId('nodes-count'), nodes.length > 1 ? states.map(([word, those]) => `${those.length} ${word}`).join(', ') : 'alone');
  byId('nodes').classList.toggle('many', nodes.length > CROWD);
  cards = renew(cards, nodes.map(({ id }) => id), () => make('li.node', {}, make('i'), make('b', { dir: 'auto' }), make('span.state'), make('span.small')));
  setChildren(byId('nodes'), nodes.map(showNode));
}

function showNode({ id, name, state, is_self, since_ms, version, sessions, deliveries, fault }) {
  const card = cards.get(id);
  card.dataset.state = state;
  card.title = [id, fault].filter(Boolean).join(': ');
  const since = since_ms === undefined ? '' : state === 'gone' ? ` ${lasting(since_ms)} ago` : ` for ${lasting(since_ms)}`;
  const [, title, word, facts] = card.children;
  setText(title, name);
  setText(word, WORDS[state] + since);
  listed(facts, is_self && 'this one', version, sessions !== undefined && count(sessions, 'session'), deliveries !== undefined && `${figure(deliveries)} deliveries/s`);
  return card;
}

export async function askToDrain() {
  const words = `Its ${count(own().sessions ?? 0, 'session')} are told, at a pace, to come back elsewhere. Then it ends. This cannot be called off.`;
  if (await ask('Drain', 'Drain this node?', words, () => ['POST', path(['drain'])])) watchDrain();
}

/** Shows how far the node has come with its end, until it has. */
async function watchDrain() {
  if (isWatched) return;
  isWatched = true;
  const [words, bar] = [make('span'), make('progress', { max: 1, value: 0, ariaLabel: 'Sessions that have left' })];
  byId('notice').replaceChildren(make('div.strip.warn', {}, words, bar));
  let most = 1;
  for (;;) {
    const { sessions, drained, status } = await get(path(['drain'])).catch((problem) => problem);
    most = Math.max(most, sessions ?? 0);
    if (status === 0 || drained) bar.value = 1;
    else bar.value = 1 - (sessions ?? most) / most;
    if (status === 0) return setText(words, 'The node has ended.');
    setText(words, sessions === undefined ? 'Draining.' : `Draining: ${figure(sessions)} of ${count(most, 'session')} still here.`);
    await new Promise((done) => setTimeout(done, DRAIN_STEP_MS));
  }
}
