// Sessions of this node: by who they are, where they are and where they come from.

import { path } from './api.js';
import { ask } from './ask.js';
import { button, byId } from './elements.js';
import { feed } from './feed.js';
import { Browser, LIMIT, Table } from './lists.js';
import { askToBan } from './moderation.js';
import { make } from './parts.js';
import { NOTHING, bytes, lasting, micros, protocolName } from './words.js';

const [by, worth] = [byId('sessions-by'), byId('sessions-worth')];
const roomsOf = ({ rooms }) => rooms.join(', ');

let chosen;

const table = new Table({
  caption: 'List of sessions',
  columns: [
    ['User', ({ user }) => user ?? 'Guest'],
    ['Protocol', ({ protocol }) => protocolName(protocol), 'whole'],
    ['Address', ({ address }) => address ?? NOTHING, 'wide'],
    ['Rooms', roomsOf, 'wide.cut'],
    ['Queue', ({ queued_bytes }) => bytes(queued_bytes), 'number'],
  ],
  key: ({ session }) => session,
  open: (session) => choose(session),
  empty: 'Nobody like that is here.',
});

const browser = new Browser(
  'sessions',
  table,
  () => path(['sessions'], { [by.value]: worth.value, limit: LIMIT }),
  (page) => {
    table.show(page, chosen?.session);
    if (chosen) showFacts(page.items.find(({ session }) => session === chosen.session));
  },
);

const facts = make('dl.facts');

/** `wanted` may be `user=NAME`, `room=NAME` or `address=ADDRESS`. */
export function show(wanted = '') {
  const [name, value] = [wanted.split('=', 1)[0], wanted.slice(wanted.indexOf('=') + 1)];
  if (value) [by.value, worth.value] = [name, value];
  browser.look();
}

function choose(session) {
  chosen = session;
  browser.view.dataset.open = Boolean(session);
  browser.detail.hidden = !session;
  browser.look();
  if (!session) return;
  const { user, address } = session;
  const actions = [button('Disconnect', askToDisconnect, ''), user && button('Ban the user', () => askToBan({ user }), ''), address && button('Ban the address', () => askToBan({ address }), '')];
  browser.detail.replaceChildren(button('‹ Sessions', () => choose(), 'back'), make('h2', { dir: 'auto' }, user ?? 'Guest'), facts, make('div.actions', {}, ...actions.filter(Boolean)));
  showFacts(session);
}

function showFacts(session) {
  const one = session ?? chosen;
  const told = {
    Session: one.session,
    State: !session ? 'gone' : one.user ? `goes by a name${one.proven ? ', proven' : ''}` : 'guest',
    Protocol: protocolName(one.protocol),
    Address: one.address,
    Node: feed.node.id,
    Shard: one.session.split('-').at(-3),
    Rooms: one.rooms.map((room, index) => `${room} at ${one.positions[index] ?? NOTHING}`).join(', ') || 'none',
    Queue: bytes(one.queued_bytes),
    'Heard of': `${lasting(one.silent_ms)} ago`,
    'Last ping': micros(one.round_trip_us),
  };
  const known = Object.entries(told).filter(([, fact]) => fact !== undefined && fact !== null);
  facts.replaceChildren(...known.flatMap(([term, fact]) => [make('dt', {}, term), make('dd', { dir: 'auto' }, String(fact))]));
}

async function askToDisconnect() {
  const { session, user } = chosen;
  const request = () => ['POST', path(['disconnect']), { session }];
  if (await ask('Disconnect', `Disconnect ${user ?? 'this guest'}?`, 'This session ends. Its client may connect again.', request)) browser.look();
}
