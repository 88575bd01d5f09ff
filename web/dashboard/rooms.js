// Rooms: who is in them, what may be done with them, and what is said, for who asks to see it.

import { get, path } from './api.js';
import { ask } from './ask.js';
import { button, byId, setChildren, setText } from './elements.js';
import { Browser, LIMIT, Table, watch } from './lists.js';
import { askToBan, askToMute } from './moderation.js';
import { asCurl, listed, make } from './parts.js';
import { clock, count, exactly, figure, lasting } from './words.js';

const TAIL = 50;
const SLOW = [0, 1, 5, 15, 60, 300].map((seconds) => [`${seconds}000`, lasting(seconds * 1_000)]);

let room; // the one that is looked into
let state; // how it stood last
let lines; // of what is said there, by their positions

const table = new Table({
  caption: 'List of rooms',
  columns: [
    ['Room', ({ room }) => room],
    ['Members', ({ members }) => exactly(members), 'number'],
    ['Guests', ({ guests }) => exactly(guests), 'number.wide'],
    ['Here', ({ here }) => exactly(here), 'number.wide'],
    ['Messages/s', ({ rate }) => figure(rate), 'number'],
  ],
  key: ({ room }) => room,
  open: ({ room }) => (location.hash = `#/rooms/${encodeURIComponent(room)}`),
  empty: 'No such room has anybody in it.',
});

const members = new Table({
  caption: 'Members',
  columns: [['Member', ({ user }) => user], ['Actions', actionsFor, 'actions']],
  key: ({ user }) => user,
  open: ({ user }) => (location.hash = `#/sessions/user=${encodeURIComponent(user)}`),
  empty: 'Nobody who has a name is here.',
});

const browser = new Browser(
  'rooms',
  table,
  () => path(['rooms'], { prefix: byId('rooms-prefix').value, sort: byId('rooms-sort').value, limit: LIMIT }),
  (page) => table.show(page, room),
);

const own = (...parts) => path(['rooms', room, ...parts]);
const [tailing, tail, closing] = ['tailing', 'tail', 'close'].map(byId);
const look = watch(lookInside, () => room && !browser.view.hidden, byId('room-fault'));

byId('room-members').append(members.element);
byId('room-actions').append(asCurl(() => ['GET', own()]));
byId('slow').onclick = askToSlow;
byId('trace').onclick = askToTrace;
closing.onclick = askToClose;
tailing.onchange = look;

export function show(wanted) {
  if (room !== wanted) {
    [room, state, lines] = [wanted, {}, new Map()];
    tailing.checked = false;
    setText(byId('room-name'), room);
    byId('room-trace').replaceChildren();
    members.show({ items: [] });
    members.empty.hidden = true;
  }
  browser.detail.hidden = !room;
  browser.view.dataset.open = Boolean(room);
  browser.look();
  look();
}

async function lookInside(isFresh) {
  const wanted = [own(), own('members') + `?limit=${LIMIT}`];
  if (tailing.checked) wanted.push(own('messages') + `?limit=${TAIL}`);
  const [facts, inside, messages] = await Promise.all(wanted.map(get)).catch((problem) => {
    if (problem.status !== 404) throw problem;
    return [{ ...state, members: 0, guests: 0 }, { items: [] }];
  });
  if (!isFresh()) return;
  showState(facts);
  members.show(inside);
  showTail(messages?.items ?? []);
}

function showState(now) {
  state = now;
  const { members, guests, at, slow_mode_ms: slow, closed } = state;
  listed(byId('room-facts'), count(members, 'member'), count(guests, 'guest'), at && `at ${at}`, slow && `one message in ${lasting(slow)}`, closed && 'closed');
  setText(closing, closed ? 'Open again' : 'Close');
}

function showTail(messages) {
  const isAtEnd = tail.scrollTop + tail.clientHeight > tail.scrollHeight - 8;
  tail.hidden = !tailing.checked;
  lines = new Map(messages.map((message) => [message.at, lines.get(message.at) ?? line(message)]));
  setChildren(tail, [...lines.values()]);
  if (isAtEnd) tail.scrollTop = tail.scrollHeight;
}

function line({ time, user = 'Guest', text, data }) {
  const said = text ?? (data === undefined ? 'bytes' : JSON.stringify(data));
  return make('p', {}, make('time', {}, clock(time)), make('b', { dir: 'auto' }, user), make('span', { dir: 'auto' }, said));
}

function actionsFor(row) {
  const whom = () => ({ user: row.item.user, room });
  return [button('Kick', () => askToKick(row.item.user)), button('Mute', () => askToMute(whom())), button('Ban', () => askToBan(whom()))];
}

async function askAndLook(...asked) {
  const answer = await ask(...asked);
  if (answer) look();
  return answer;
}

function askToKick(user) {
  askAndLook('Kick', `Kick ${user}?`, `All their sessions leave ${room}. They may join again.`, () => ['POST', own('kick'), { user }]);
}

function askToSlow() {
  const fields = [['ms', 'One message of each member in', SLOW, `${state.slow_mode_ms || '0000'}`]];
  const request = ({ ms }) => ['PUT', own(), { closed: state.closed ?? false, slow_mode_ms: +ms }];
  askAndLook('Set', `Slow mode of ${room}`, 'Who posts sooner is refused, and told so.', request, fields);
}

async function askToClose() {
  const { closed, slow_mode_ms } = state;
  if (closed) return askAndLook('Open', `Open ${room} again?`, 'Everybody may join it as before.', () => ['PUT', own(), { closed: false, slow_mode_ms }]);
  const words = 'Everybody leaves, and nobody can join until it is opened again.';
  if (await askAndLook('Close', `Close ${room}?`, words, () => ['DELETE', own()])) showState({ ...state, closed: true });
}

async function askToTrace() {
  const words = `What is said next in ${room} is followed through the node. It waits for half a minute.`;
  const trace = await askAndLook('Trace', 'Trace the next message', words, () => ['POST', path(['traces']), { room }]);
  if (!trace) return;
  const columns = [['Step', ({ step }) => step], ['Shard', ({ shard }) => shard, 'number'], ['After', ({ us }) => `${exactly(us)} µs`, 'number']];
  const steps = new Table({ caption: 'Trace', columns, key: ({ step, shard }) => step + shard, empty: 'It was not followed.' });
  steps.show({ items: trace.steps });
  byId('room-trace').replaceChildren(steps.element);
}
