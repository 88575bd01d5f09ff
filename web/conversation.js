// One room's conversation: its lines in order, those on their way out, how many were too many.
// A line is a message, a `gap` (how many are left out) or a `note`. Knows no elements.

const PAGE = 50;
const LINES_MAX = 5_000;
const BURST = 150; // messages that are shown at once; after them as many as a person can read:
const READABLE_PER_SECOND = 20;
const SHOWN_OF_FLOOD = 8;
const TURN_MS = 60;
const FLOOD_TURN_MS = 1_000;

export class Conversation {
  lines = [];
  pending = new Map(); // id → { id, text, time, at?, failure? }
  hasMore = false; // older messages can be recalled
  isLoaded = false;
  rate = 0; // messages a second while they are too many to show
  #arrived = [];
  #tokens = BURST;
  #turnedAt = 0;
  #timer;
  #isRecalling;

  /** `changed(fresh)` is called after each change with new messages. */
  constructor(room, user, changed) {
    Object.assign(this, { room, user, changed });
    room.on('message', (message) => this.#arrive(message));
    room.on('lost', (lost) => this.#lose(lost));
    room.on('live', () => this.#recallFirst());
  }

  /** Sends a text, pending at once. With the same id it is the same message, however often tried. */
  async send(text, id = Math.random().toString(36).slice(2)) {
    const sent = { id, text, time: Date.now() };
    this.pending.set(id, sent);
    this.changed([]);
    try {
      sent.at = await this.room.post(text, id);
    } catch (failure) {
      sent.failure = failure;
    }
    this.#soon();
  }

  discard(id) {
    this.pending.delete(id);
    this.changed([]);
  }

  /** Adds a line that the room did not send. */
  add(line) {
    this.#turn();
    this.lines.push({ time: Date.now(), ...line });
    this.changed([]);
  }

  recallOlder() {
    const oldest = this.lines.find((line) => line.at && !line.isPrivate);
    if (this.hasMore && oldest) this.#recall(oldest.at);
  }

  /** Forgets what stands before and in a gap: the history has it. */
  open(gap) {
    this.lines.splice(0, this.lines.indexOf(gap) + 1);
    this.hasMore = true;
    this.changed([]);
  }

  /** Forgets the oldest lines. */
  trim() {
    if (this.lines.splice(0, this.lines.length - LINES_MAX).length) this.hasMore = true;
  }

  close() {
    clearTimeout(this.#timer);
    this.changed = () => {};
  }

  #arrive(message) {
    this.#arrived.push(message);
    this.#soon();
  }

  #soon() {
    this.#timer ??= setTimeout(() => this.#turn(), TURN_MS);
  }

  #turn() {
    this.#timer = clearTimeout(this.#timer);
    const arrived = this.#arrived.splice(0);
    const seconds = (performance.now() - this.#turnedAt) / 1_000;
    const isCatchingUp = this.room.state === 'catching up';
    this.#turnedAt = performance.now();
    this.#tokens = Math.min(BURST, this.#tokens + seconds * READABLE_PER_SECOND);
    this.rate = arrived.length > this.#tokens && !isCatchingUp ? Math.ceil(arrived.length / seconds) : 0;
    this.#tokens = Math.max(0, this.#tokens - arrived.length);
    if (this.rate) this.#thin(arrived);
    else this.lines.push(...arrived);
    for (const { id, at } of this.pending.values()) if (at && offset(at) <= offset(this.room.at)) this.pending.delete(id);
    this.changed(arrived);
  }

  // In a flood its last few messages are shown; all before are one gap that grows.
  #thin(arrived) {
    const shown = this.lines.splice(this.lines.findLastIndex((line) => !line.isOfFlood) + 1);
    const gap = shown.length ? this.lines.pop() : { gap: 0, time: arrived[0].time };
    const kept = arrived.slice(-SHOWN_OF_FLOOD);
    gap.gap += shown.length + arrived.length - kept.length;
    for (const line of kept) line.isOfFlood = true;
    this.lines.push(gap, ...kept);
    this.#timer = setTimeout(() => this.#turn(), FLOOD_TURN_MS);
  }

  #lose({ since, at }) {
    const isCounted = since?.split(':')[0] === at.split(':')[0];
    this.add({ gap: isCounted ? offset(at) - offset(since) : NaN, isLost: true });
  }

  #recallFirst() {
    const [epoch, newest] = this.room.at.split(':');
    if (!this.isLoaded) this.#recall(`${epoch}:${+newest + 1}`);
  }

  async #recall(before) {
    if (this.#isRecalling) return;
    this.#isRecalling = true;
    const page = await this.room.recall({ before, limit: PAGE }).catch(() => undefined);
    this.#isRecalling = false;
    if (!page) return;
    this.lines.unshift(...page.messages);
    Object.assign(this, { hasMore: page.more, isLoaded: true });
    this.changed([]);
  }
}

const offset = (position) => +position.split(':')[1];
