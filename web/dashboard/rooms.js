// Rooms: who is in them, what may be done with them, and what is said, for who asks to see it.

import { get, path } from './api.js';
import { ask } from './ask.js';
import { button, byId, setChildren, setText } from './elements.js';
import { Browser, LIMIT, Table, watch } from './lists.js';
import { askToBan, askToMute } from './moderation.js';
import { asCurl, faultLine, labelled, listed, make, search, select } from './parts.js';
import { clock, count, exactly, lasting } from './words.js';

const TAIL = 50;
const SLOW = [0, 1, 5, 15, 60, 300].map((seconds) => [`${seconds}000`, lasting(seconds * 1_000)]);

const view = byId('rooms');
const prefix = search('rooms-prefix', 'Begins with…');
const sort = select('rooms-sort', [['members', 'most members'], ['name']]);

const table = new Table({
  caption: 'List of rooms',
  columns: [
    ['Room', ({ room }) => room],
    ['Members', ({ members }) => exactly(members), 'number'],
    ['Guests', ({ guests }) => exactly(guests), 'number'],
    ['Here', ({ here }) => exactly(here), 'number.wide'],
  ],
  key: ({ room }) => room,
  open: ({ room }) => (location.hash = `#/rooms/${encodeURIComponent(room)}`),
  empty: 'No such room has anybody in it.',
});

let chosen;
let detail;

const browser = new Browser(
  view,
  'Rooms',
  [labelled('Room', prefix), labelled('Sorted by', sort)],
  table,
  () => path(['rooms'], { prefix: prefix.value, sort: sort.value, limit: LIMIT }),
  (page, isFresh) => isFresh() && table.show(page, chosen),
);

export function show(room) {
  if (chosen !== room || !room) {
    detail?.close();
    detail = room ? new Detail(room) : undefined;
  }
  chosen = room;
  view.dataset.open = Boolean(room);
  browser.look();
}

class Detail {
  #deeds = new Map();
  #lines = new Map();
  #isOpen = true;

  state = {};

  constructor(room) {
    this.room = room;
    this.facts = make('p.small');
    this.closing = button('Close', () => this.#askToClose(), '');
    this.members = new Table({
      caption: 'Members',
      columns: [['Member', ({ user }) => user], ['Deeds', ({ user }) => this.#deedsTo(user), 'deeds']],
      key: ({ user }) => user,
      open: ({ user }) => (location.hash = `#/sessions/user=${encodeURIComponent(user)}`),
      empty: 'Nobody who has a name is here.',
    });
    this.tailing = make('input', { type: 'checkbox', id: 'tailing', onchange: () => this.look() });
    this.tail = make('div.tail', { tabIndex: 0, hidden: true, role: 'log', ariaLabel: 'What is said' });
    this.trace = make('div');
    const [fault, own] = [faultLine(), this.#path()];
    browser.detail.replaceChildren(
      make('a.back', { href: '#/rooms' }, '‹ Rooms'),
      make('h2', { dir: 'auto' }, room),
      this.facts,
      fault,
      make('div.deeds', {}, button('Slow mode', () => this.#askToSlow(), ''), this.closing, button('Trace a message', () => this.#askToTrace(), ''), asCurl(() => ['GET', own])),
      this.trace,
      this.members.element,
      make('label.switch', {}, this.tailing, 'Show what is said', make('span.small', {}, 'this is noted in the audit log')),
      this.tail,
    );
    browser.detail.hidden = false;
    this.look = watch((isFresh) => this.#look(isFresh), () => this.#isOpen && !view.hidden, fault);
    this.look();
  }

  close() {
    this.#isOpen = false;
    browser.detail.hidden = true;
  }

  #path = (...parts) => path(['rooms', this.room, ...parts]);

  async #look(isFresh) {
    const wanted = [this.#path(), path(['rooms', this.room, 'members'], { limit: LIMIT })];
    if (this.tailing.checked) wanted.push(path(['rooms', this.room, 'messages'], { limit: TAIL }));
    const [facts, members, messages] = await Promise.all(wanted.map(get)).catch((problem) => {
      if (problem.status !== 404) throw problem;
      return [{ ...this.state, members: 0, guests: 0 }, { items: [] }];
    });
    if (!isFresh()) return;
    this.#showState(facts);
    this.members.show(members);
    this.#showTail(messages?.items ?? []);
  }

  #showState(state) {
    this.state = state;
    const { members, guests, at, slow_mode_ms: slow, closed } = state;
    listed(this.facts, count(members, 'member'), count(guests, 'guest'), at && `at ${at}`, slow && `one message in ${lasting(slow)}`, closed && 'closed');
    setText(this.closing, closed ? 'Open again' : 'Close');
  }

  #showTail(messages) {
    const { tail } = this;
    const isAtEnd = tail.scrollTop + tail.clientHeight > tail.scrollHeight - 8;
    tail.hidden = !this.tailing.checked;
    setChildren(tail, messages.map((message) => this.#line(message)));
    if (isAtEnd) tail.scrollTop = tail.scrollHeight;
  }

  #line({ at, time, user = 'Guest', text, data }) {
    const said = text ?? (data === undefined ? 'bytes' : JSON.stringify(data));
    const line = () => make('p', {}, make('time', {}, clock(time)), make('b', { dir: 'auto' }, user), make('span', { dir: 'auto' }, said));
    if (!this.#lines.has(at)) this.#lines.set(at, line());
    return this.#lines.get(at);
  }

  #deedsTo(user) {
    const whom = { user, room: this.room };
    const deeds = () => make('span', {}, button('Kick', () => this.#askToKick(user)), button('Mute', () => askToMute(whom)), button('Ban', () => askToBan(whom)));
    if (!this.#deeds.has(user)) this.#deeds.set(user, deeds());
    return this.#deeds.get(user);
  }

  async #ask(...asked) {
    const answer = await ask(...asked);
    if (answer) this.look();
    return answer;
  }

  #askToKick(user) {
    this.#ask('Kick', `Kick ${user}?`, `All their sessions leave ${this.room}. They may join again.`, () => ['POST', this.#path('kick'), { user }]);
  }

  #askToSlow() {
    const fields = [['ms', 'One message of each member in', SLOW, `${this.state.slow_mode_ms || '0000'}`]];
    const request = ({ ms }) => ['PUT', this.#path(), { closed: this.state.closed ?? false, slow_mode_ms: +ms }];
    this.#ask('Set', `Slow mode of ${this.room}`, 'Who posts sooner is refused, and told so.', request, fields);
  }

  async #askToClose() {
    const { closed, slow_mode_ms } = this.state;
    if (closed) return this.#ask('Open', `Open ${this.room} again?`, 'Everybody may join it as before.', () => ['PUT', this.#path(), { closed: false, slow_mode_ms }]);
    const words = 'Everybody leaves, and nobody can join until it is opened again.';
    if (await this.#ask('Close', `Close ${this.room}?`, words, () => ['DELETE', this.#path()])) this.#showState({ ...this.state, closed: true });
  }

  async #askToTrace() {
    const words = `What is said next in ${this.room} is followed through the node. It waits for half a minute.`;
    const trace = await this.#ask('Trace', 'Trace the next message', words, () => ['POST', path(['traces']), { room: this.room }]);
    if (!trace) return;
    const columns = [['Step', ({ step }) => step], ['Shard', ({ shard }) => shard, 'number'], ['After', ({ us }) => `${exactly(us)} µs`, 'number']];
    const steps = new Table({ caption: 'Trace', columns, key: ({ step, shard }) => step + shard, empty: 'It was not followed.' });
    steps.show({ items: trace.steps });
    this.trace.replaceChildren(steps.element);
  }
}
