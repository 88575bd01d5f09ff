// One line of the conversation as rows of a list: how it looks, not where it stands.

import { write } from './composer.js';
import { button, element } from './elements.js';
import { clock, count, day, dayName, figure, refusalWords } from './words.js';

const LONG = 1_500; // characters after which a text is folded
// Brackets belong to an address in pairs; punctuation behind it is the sentence's.
const LINK = /https?:\/\/(\([^\s()<>"]*\)|[^\s()<>"])*(\([^\s()<>"]*\)|[^\s()<>".,:;!?'”»…])/gi;

/** The row of a message, gap or note, behind that of a new day. */
export function rows(line, conversation, previous) {
  const isNewDay = !previous || day(previous.time) !== day(line.time);
  const parts = isNewDay ? [note('day', dayName(line.time))] : [];
  if (line.note) return [...parts, note('note news', line.note)];
  return [...parts, line.gap === undefined ? messageRow(line, conversation, previous) : gapRow(line, conversation)];
}

/** A message on its way out: pending, or failed. */
export function pendingRow({ id, text, time, failure }, conversation) {
  const again = () => conversation.send(text, id);
  const edit = () => {
    conversation.discard(id);
    write(text);
  };
  const words = failure ? `Not sent: ${refusalWords(failure.code, failure.message)[0].toLowerCase()}. ` : 'Sending…';
  const mark = element('p', { className: 'mark small' }, words, ...(failure ? [button('Send again', again), button('Edit', edit)] : []));
  return [element('li', { className: `row own ${failure ? 'failed' : 'pending'}` }, heading({ time }, true), body(text), mark)];
}

/** An initial on a colour of the name. */
export function avatar(user = '·') {
  const face = element('span', { className: 'avatar', ariaHidden: true }, [...new Intl.Segmenter().segment(user)][0].segment.toUpperCase());
  face.style.setProperty('--hue', [...user].reduce((sum, letter) => (sum + letter.codePointAt()) * 137 % 360, 7));
  return face;
}

// Messages of one author in one minute stand together.
function messageRow(line, { user }, previous) {
  const isOwn = line.user === user && !line.isPrivate;
  const key = ({ at, user, time, isPrivate }) => at && [user, isPrivate, Math.floor(time / 60_000)].join();
  const isAgain = previous && key(line) === key(previous);
  const text = line.text ?? JSON.stringify(line.data ?? { binary: line.binary });
  const className = `row${isOwn ? ' own' : ''}${isAgain ? ' again' : ''}${line.isPrivate ? ' private' : ''}`;
  return element('li', { className }, isOwn ? '' : avatar(line.user), heading(line, isOwn), body(text));
}

function heading({ user = 'Guest', time, at = 'not yet known', isPrivate }, isOwn) {
  const title = `${new Date(time).toLocaleString()}\nPosition: ${at}`;
  const name = element('b', { dir: 'auto', title: user }, isOwn ? 'You' : user);
  return element('p', { className: 'heading' }, name, isPrivate ? ' only to you ' : ' ', element('time', { title }, clock(time)));
}

function body(text) {
  const shown = element('div', { className: 'text', dir: 'auto' }, ...withLinks(text));
  if (text.length <= LONG && text.split('\n').length <= LONG / 60) return shown;
  const unfold = () => shown.classList.remove('folded') || more.remove();
  const more = button(`Show all ${figure(text.length)} characters`, unfold);
  shown.classList.add('folded');
  return element('div', { className: 'long' }, shown, more);
}

function withLinks(text) {
  const parts = [];
  let done = 0;
  for (const { 0: href, index } of text.matchAll(LINK)) {
    parts.push(text.slice(done, index), element('a', { href, target: '_blank', rel: 'noopener' }, href));
    done = index + href.length;
  }
  return [...parts, text.slice(done)];
}

function gapRow(line, conversation) {
  const number = line.gap ? count(line.gap, 'message') : 'Some messages';
  if (line.isLost) return note('note lost', `${number} lost: they cannot be had any more.`);
  return note('note', `${number} went by`, button('Read them', () => conversation.open(line)));
}

function note(className, words, ...ways) {
  return element('li', { className }, element('span', {}, words), ...ways);
}
