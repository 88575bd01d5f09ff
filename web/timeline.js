// The rows around what is being read, moved without a jump.

import { byId, setChildren, setText } from './elements.js';
import { pendingRow, rows } from './rows.js';
import { count, figure } from './words.js';

const ROWS = 250; // lines shown while the end is being read
const ROWS_MAX = 1_500; // lines shown at once after scrolling back
const NEAR = 800; // px from an edge where more rows are wanted
const END = 40; // px from the end that count as reading the end

const scroller = byId('scroller');
const pill = byId('pill');

export class Timeline {
  #conversation;
  #built = new WeakMap(); // line, or message on its way → { rows, state }
  #shown = [];
  #isPinned = true; // the end is being read
  #unread = 0;

  constructor() {
    scroller.onscroll = () => this.#scrolled();
    pill.onclick = () => this.toEnd();
    new ResizeObserver(() => this.#isPinned && this.#stick()).observe(scroller);
  }

  show(conversation) {
    this.#conversation = conversation;
    this.toEnd();
  }

  /** Brings the rows in line; `fresh` are messages just come. */
  render(fresh) {
    const { lines, user } = this.#conversation;
    if (this.#isPinned) this.#conversation.trim();
    else this.#unread += fresh.filter((message) => message.user !== user).length;
    const first = lines.indexOf(this.#shown.find((line) => lines.includes(line)));
    this.#lay(this.#isPinned ? lines.length - ROWS : first);
  }

  toEnd() {
    this.#isPinned = true;
    this.render([]);
  }

  #lay(start) {
    const first = Math.max(0, start);
    const { lines, pending } = this.#conversation;
    const anchor = this.#shown.find((line) => this.#top(line) > scroller.offsetTop);
    const top = anchor && this.#top(anchor);
    this.#shown = lines.slice(first, first + ROWS_MAX);
    setChildren(byId('messages'), this.#shown.flatMap((line, index) => this.#rows(rows, line, lines[first + index - 1])));
    setChildren(byId('outbox'), [...pending.values()].flatMap((sent) => this.#rows(pendingRow, sent)));
    this.#layTop(first);
    if (this.#isPinned) this.#stick();
    else if (this.#top(anchor)) scroller.scrollTop += this.#top(anchor) - top;
    this.#layPill();
    this.#fillTop(first);
  }

  // Made anew only when the line, or the one before it, is another.
  #rows(build, line, previous) {
    const known = this.#built.get(line);
    if (known && known.previous === previous && known.state === (line.gap ?? line.failure)) return known.rows;
    const made = { previous, state: line.gap ?? line.failure, rows: build(line, this.#conversation, previous) };
    this.#built.set(line, made);
    return made.rows;
  }

  #layTop(first) {
    const { lines, pending, hasMore, isLoaded, room } = this.#conversation;
    const isEmpty = isLoaded && !lines.length && !pending.size;
    const start = isEmpty ? `It is quiet in ${room.name}. Say hello, or share the link.` : `This is as far back as ${room.name} goes.`;
    setText(byId('top'), !isLoaded ? '' : first || hasMore ? 'Loading…' : start);
    byId('top').classList.toggle('empty', isEmpty);
  }

  #layPill() {
    const { rate } = this.#conversation;
    if (this.#isPinned) this.#unread = 0;
    const news = rate ? `${figure(rate)} messages a second` : count(this.#unread, 'new message');
    setText(pill, `${this.#unread ? news : 'To the newest'} ↓`);
    pill.hidden = this.#isPinned;
  }

  // Older rows before they are reached; pages of history beyond memory.
  #fillTop(first) {
    if (scroller.scrollTop > NEAR) return;
    if (first === 0) this.#conversation.recallOlder();
    else if (!this.#isPinned) this.#lay(first - ROWS);
  }

  #scrolled() {
    const { lines } = this.#conversation;
    const left = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
    const first = Math.max(0, lines.indexOf(this.#shown[0]));
    const hasEnd = this.#shown.at(-1) === lines.at(-1);
    this.#isPinned = left < END && hasEnd;
    if (left < NEAR && !hasEnd) return this.#lay(first + ROWS);
    this.#layPill();
    this.#fillTop(first);
  }

  #top(line) {
    return this.#built.get(line)?.rows.at(-1).getBoundingClientRect().top;
  }

  #stick() {
    scroller.scrollTop = scroller.scrollHeight;
  }
}
