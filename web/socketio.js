// The page over Socket.IO: a wire in place of a WebSocket, with our own client of the rich protocol at this end and the stock client
// that the server has at hand at the other. Turns each side's words into the other's, for one room at a time; what Socket.IO has no
// word for is refused here.

import { element } from './elements.js';
import { Heimdallr as Rich } from './heimdallr.js';

const STOCK_CLIENT = '/socket.io/socket.io.js';
const DOUBT_MS = 2_000; // how long the echo of a post that a cut left unanswered is waited for
const GONE = 1006; // close codes, as docs/protocol.md has them
const GONE_FOR_GOOD = 4500;

export class Heimdallr extends Rich {
  constructor(url, options) {
    const wire = new Wire(options.user);
    super(url, { ...options, WebSocket: function () { return wire.open(); } });
    this.stats.protocol = 'Socket.IO';
  }

  join(name, options) {
    return Object.assign(super.join(name, options), { note: 'As it was when you came.' });
  }
}

class Wire {
  #socket;
  #room; // that is told of
  #at; // the position up to which it was: nobody says it, but offsets grow by one with each message
  #present; // who was there at first
  #left; // settles when the room before is told of no more
  #directs = 0;
  #unanswered = new Map(); // id of a post → its text
  #doubtful; // ids of those that were sent before a cut

  #verbs = {
    identify: (asked) => {
      if (this.#socket.recovered) this.#welcome(asked);
      else this.#ask('log in', { username: asked.user }, asked, () => this.#welcome(asked));
    },
    join: async (asked) => {
      await this.#left;
      if (asked.room === this.#room) this.#joined(asked, asked.since);
      else this.#ask('joinRoom', { room: asked.room }, asked, (answer) => this.#enter(asked, answer));
    },
    leave: ({ room }) => {
      this.#room = undefined;
      this.#left = new Promise((done) => this.#socket.emit('leaveRoom', { room }, done));
    },
    post: (asked) => {
      const { id, room, text } = asked;
      if (this.#doubtful.delete(id)) return setTimeout(() => this.#doubt(id), DOUBT_MS);
      this.#unanswered.set(id, text);
      this.#ask('message', { room, userId: this.user, message: text }, asked, ({ at }) => this.#tell({ is: 'accepted', id, at }));
    },
    signal: ({ room, signal }) => this.#socket.emit(signal, { room, userId: this.user }),
  };

  constructor(user) {
    this.user = user;
  }

  open() {
    this.readyState = 0;
    stockClient().then(() => this.#connect(), () => this.#end(GONE_FOR_GOOD, `there is no ${STOCK_CLIENT}`));
    return this;
  }

  send(text) {
    const asked = JSON.parse(text);
    const refuse = ({ id }) => this.#tell({ is: 'refused', id, code: 'bad_request', reason: 'Socket.IO has no word for it' });
    (this.#verbs[asked.do] ?? refuse)(asked);
  }

  close() {
    this.readyState = 3;
    this.onclose = null;
    this.#socket?.disconnect();
  }

  #connect() {
    if (this.readyState !== 0) return;
    this.#socket ??= this.#listen(window.io({ forceNew: true, reconnection: false, autoConnect: false }));
    this.#socket.connect();
  }

  #listen(socket) {
    socket.on('connect', () => this.#begin());
    socket.on('connect_error', () => this.#end(GONE, ''));
    socket.on('disconnect', (why) => (why === 'io server disconnect' ? this.#end(GONE_FOR_GOOD, why) : this.#end(GONE, '')));
    socket.on('message', (said, at) => this.#hear(said, at));
    socket.on('new message', ({ username, message }) => {
      this.#tell({ is: 'direct', at: inbox(++this.#directs), user: username, time: Date.now(), ...body(message) });
    });
    socket.on('lost', (lost) => lost.room === this.#room && this.#lose(lost));
    socket.on('removed', (told) => this.#tell({ ...told, is: 'removed' }));
    socket.on('typing', ({ room, userId }) => this.#tell({ is: 'signal', room, user: userId, signal: 'typing' }));
    return socket;
  }

  #begin() {
    this.readyState = 1;
    this.#left = undefined;
    this.#doubtful = new Set(this.#unanswered.keys());
    if (!this.#socket.recovered) this.#room = undefined;
    this.onopen();
  }

  #end(code, reason) {
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }

  // Not kept for the next connection: there our client asks again.
  #ask(event, argument, { id }, take) {
    if (!this.#socket.connected) return;
    this.#socket.emit(event, argument, (answer) => {
      this.#unanswered.delete(id);
      if (answer.code) this.#tell({ ...answer, is: 'refused', id });
      else take(answer);
    });
  }

  #welcome({ id, user }) {
    this.#tell({ is: 'welcome', id, user, inbox: inbox(0) });
  }

  #enter(asked, { at, ...present }) {
    [this.#room, this.#at, this.#present] = [asked.room, at, present];
    this.#joined(asked, at);
  }

  #joined({ id, room, since }, at) {
    this.#tell({ is: 'joined', id, room, at, resumed: since && since === at, ...this.#present });
    if (since && since !== at) this.#tell({ is: 'lost', room, since, at });
  }

  #hear({ userId, message }, at = next(this.#at)) {
    if (!this.#room) return;
    this.#at = at;
    const [id] = (userId === this.user && [...this.#unanswered].find(([, text]) => text === message)) || [];
    this.#unanswered.delete(id);
    this.#tell({ is: 'posted', room: this.#room, at, user: userId || undefined, id, time: Date.now(), ...body(message) });
  }

  #lose({ room, since, at }) {
    this.#at = at;
    this.#tell({ is: 'lost', room, since, at });
  }

  #doubt(id) {
    if (this.#unanswered.delete(id)) this.#tell({ is: 'refused', id, code: 'unanswered' });
  }

  #tell(told) {
    this.onmessage?.({ data: JSON.stringify(told) });
  }
}

const inbox = (count) => `direct:${count}`;

const next = (position) => position?.replace(/\d+$/, (offset) => Number(offset) + 1);

function body(message) {
  if (typeof message === 'string') return { text: message };
  if (!(message instanceof ArrayBuffer)) return { data: message };
  return { binary: btoa(Array.from(new Uint8Array(message), (byte) => String.fromCharCode(byte)).join('')) };
}

let loading;

/** Resolves once `window.io` is there. */
function stockClient() {
  loading ??= new Promise((onload, onerror) => document.head.append(element('script', { src: STOCK_CLIENT, onload, onerror })));
  loading.catch(() => (loading = undefined));
  return loading;
}
