// Who is here, and who is writing.

import { byId, element, setText } from './elements.js';
import { avatar } from './rows.js';
import { count } from './words.js';

const TYPING_MS = 4_000; // how long one sign of typing holds

const typing = new Map(); // user → timer
let room;
let me;

export function showPeople(ofRoom, user) {
  [room, me] = [ofRoom, user];
  for (const writer of typing.keys()) stopped(writer);
  peopleChanged();
}

export function peopleChanged() {
  const { members, guests, present, note } = room;
  const names = [...(present ?? [])].sort((one, other) => (other === me) - (one === me) || one.localeCompare(other, [], { numeric: true }));
  const counts = count(members, 'member') + (guests ? `, ${count(guests, 'guest')}` : '');
  setText(byId('count'), members + guests ? counts : '');
  setText(byId('people-note'), note ?? (present || !members ? '' : 'Too many to list.'));
  byId('people').replaceChildren(...names.map(person));
}

export function types(user) {
  if (user === undefined || user === me) return;
  clearTimeout(typing.get(user));
  typing.set(user, setTimeout(stopped, TYPING_MS, user));
  drawTyping();
}

export function stopped(user) {
  clearTimeout(typing.get(user));
  if (typing.delete(user)) drawTyping();
}

function person(name) {
  const you = name === me ? element('span', { className: 'small' }, 'you') : '';
  return element('li', { title: name }, avatar(name), element('bdi', { className: 'name' }, name), you);
}

function drawTyping() {
  const [one, other, another] = typing.keys();
  const words = another ? 'Several people are' : other ? `\u2068${one}\u2069 and \u2068${other}\u2069 are` : `\u2068${one}\u2069 is`;
  setText(byId('typing'), one ? `${words} writing…` : '');
}
