// Client of Heimdallr's rich protocol (docs/protocol.md): keeps one connection alive, joins its rooms again
// from the last position seen, sends again what was not answered. Shows a message once and in order, and
// tells as `lost` what cannot be had. Contracts and options are in `heimdallr.d.ts`.

const DEFAULTS = {
  delayMinMs: 500,
  delayMaxMs: 30_000,
  patienceMs: 8_000,
  signalEveryMs: 2_000,
  queueMax: 1_000,
  messageBytesMax: 65_536,
};

export class Refused extends Error {
  constructor(code, reason = code, retry = false) {
    super(reason);
    Object.assign(this, { name: 'Refused', code, retry });
  }
}

class Emitter {
  #listeners = {};

  on(event, listener) {
    const set = (this.#listeners[event] ??= new Set()).add(listener);
    return () => set.delete(listener);
  }

  emit(event, value) {
    for (const listener of this.#listeners[event] ?? []) listener(value);
  }
}

export class Room extends Emitter {
  state = 'joining';
  present = null;
  #chat;
  #target;
  #quietUntil = {};

  constructor(name, since, chat) {
    super();
    Object.assign(this, { name, at: since, members: 0, guests: 0 }); // at: position of the last message seen
    this.#chat = chat;
  }

  async post(body, id) {
    return (await this.#chat.ask({ do: 'post', room: this.name, id, ...bodyOf(body) })).at;
  }

  recall({ before, limit } = {}) {
    return this.#chat.ask({ do: 'recall', room: this.name, before, limit });
  }

  signal(signal) {
    if (this.state !== 'live' || Date.now() < this.#quietUntil[signal]) return;
    this.#quietUntil[signal] = Date.now() + this.#chat.options.signalEveryMs;
    this.#chat.send({ do: 'signal', room: this.name, signal });
  }

  leave() {
    this.state = 'left';
    this.#chat.send({ do: 'leave', room: this.name });
    this.#chat.remove(this.name);
  }

  // What the server says of this room; `cut` when the connection ended.
  receive(message) {
    const { is, at } = message;
    if (is === 'posted' && distance(this.at, at) <= 0) return;
    if (is === 'cut') this.state = 'joining';
    if (is === 'refused') this.state = is;
    if (is === 'removed') this.leave();
    if (is === 'joined') this.#enter(message);
    if (is === 'presence') this.#count(message);
    if (is === 'posted' || is === 'lost') this.at = at;
    this.emit(is === 'posted' ? 'message' : is, message);
    this.#settle();
  }

  #enter(message) {
    const { at, resumed, members, guests, present = null } = message;
    message.missed = resumed ? distance(this.at, at) : 0;
    this.#chat.stats.resumed += resumed ? 1 : 0;
    this.#target = at;
    if (resumed === undefined) this.at = at;
    Object.assign(this, { state: 'catching up', members, guests, present: present && new Set(present) });
  }

  #count({ members, guests, joined, left = [] }) {
    Object.assign(this, { members, guests });
    if (!joined) this.present = null;
    joined?.forEach((user) => this.present?.add(user));
    left.forEach((user) => this.present?.delete(user));
  }

  // Own posts from before a cut may be among what follows; then it is known which to repeat.
  #settle() {
    if (this.state !== 'catching up' || distance(this.at, this.#target) > 0) return;
    this.state = 'live';
    this.#chat.flush(this.name);
    this.emit('live');
  }
}

export class Heimdallr extends Emitter {
  state = {};
  rooms = new Map();
  stats = { protocol: 'heimdallr.v1.json', connected: 0, resumed: 0 };
  #socket;
  #farewell;
  #asked = new Map(); // id → { command, promise, resolve, reject }, in order
  #prefix = Date.now().toString(36) + Math.random().toString(36).slice(2);
  #ids = 0;
  #attempt = 0;
  #heardAt = 0;
  #probedAt = 0;
  #quietMs = 25_000;
  #timer; // of the next connection, or of the watch over this one
  #networkChanged = () => this.reconnectNow();

  constructor(url, options) {
    super();
    this.options = { ...DEFAULTS, WebSocket: globalThis.WebSocket, ...options };
    Object.assign(this, { url, user: this.options.user, inbox: this.options.inbox });
    this.#open();
  }

  join(name, { since } = {}) {
    if (!this.rooms.has(name)) this.#enter(new Room(name, since, this));
    return this.rooms.get(name);
  }

  async direct(to, body, id) {
    return (await this.ask({ do: 'direct', to, id, ...bodyOf(body) })).at;
  }

  async time() {
    const asked = performance.now();
    const { time } = await this.ask({ do: 'time' });
    this.stats.roundTripMs = performance.now() - asked;
    return time;
  }

  reconnectNow() {
    if (this.state.name === 'online') this.#probe();
    else if (this.state.name !== 'connecting') this.#open();
  }

  close() {
    this.#stop({ code: 1000, reason: 'closed' });
  }

  // Sends once the room allows, and after a cut again. Resolves with the answer.
  async ask(command) {
    const asked = this.#asked.get(command.id);
    if (asked) return asked.promise;
    this.#check(command);
    const { state = 'live' } = this.rooms.get(command.room) ?? {};
    return this.#keep(command, this.state.name === 'online' && state === 'live');
  }

  send(command) {
    if (this.#socket?.readyState === 1) this.#socket.send(JSON.stringify(command));
  }

  flush(room) {
    for (const { command } of this.#asked.values()) if (command.room === room) this.send(command);
  }

  remove(name, refusal = new Refused('left')) {
    this.rooms.delete(name);
    this.#abandon(({ room }) => room === name, refusal);
  }

  #open() {
    clearInterval(this.#timer);
    this.#watchNetwork('add');
    this.#farewell = {};
    this.#probedAt = Date.now(); // the handshake is awaited as an answer is
    this.#socket = new this.options.WebSocket(this.url, this.stats.protocol);
    this.#socket.onopen = () => this.#greet();
    this.#socket.onmessage = ({ data }) => this.#hear(JSON.parse(data));
    this.#socket.onclose = ({ code, reason }) => this.#ended(code, reason);
    this.#socket.onerror = () => {}; // a close follows
    this.#timer = setInterval(() => this.#listen(), this.options.patienceMs / 8);
    this.#become('connecting', { attempt: this.#attempt });
  }

  #greet() {
    if (this.user === undefined && !this.options.token) return this.#hear({ is: 'welcome' });
    this.#identify(({ code, message: reason, retry }) => (retry ? this.#drop(code) : this.#stop({ code, reason })));
  }

  async #identify(refused) {
    const [socket, { token, password }] = [this.#socket, this.options];
    const who = token ? { token: token.call ? await token().catch(() => '') : token } : { user: this.user, password };
    if (socket === this.#socket) this.#begin({ do: 'identify', ...who, inbox: this.inbox }, refused);
  }

  #hear(message) {
    const { is, id, room, at, user, code, reason, retry } = message;
    this.#heardAt = Date.now();
    this.#probedAt = 0;
    if (is === 'refused' && code === 'draining') return; // sent again on the next connection
    if (is === 'refused') return this.#abandon((command) => command.id === id, new Refused(code, reason, retry));
    // An own message is an answer too: its `accepted` may have been cut.
    const asked = user === this.user || (is !== 'posted' && is !== 'direct') ? this.#asked.get(id) : undefined;
    if (asked && this.#asked.delete(id)) asked.resolve(message);
    if (is === 'welcome') this.#welcome(message);
    else if (is === 'expiring' && this.options.token?.call) this.#identify(() => {});
    else if (is === 'closing') this.#farewell = message;
    else if (room !== undefined) this.rooms.get(room)?.receive(message);
    else if (is === 'lost' || (is === 'direct' && distance(this.inbox, at) > 0)) {
      this.inbox = at;
      this.emit(is, message);
    }
  }

  #welcome({ session, user, ping = 25, inbox }) {
    this.user ??= user;
    this.#quietMs = ping * 1_000;
    this.inbox ??= inbox;
    Object.assign(this.stats, { session, since: Date.now(), connected: this.stats.connected + 1 });
    this.#become('online');
    this.rooms.forEach((room) => this.#enter(room));
    this.flush();
    this.#probe();
  }

  #enter(room) {
    this.rooms.set(room.name, room);
    if (this.state.name !== 'online') return;
    this.#begin({ do: 'join', room: room.name, since: room.at }, ({ code, message: reason, retry }) => {
      const delayMs = retry ? this.options.delayMinMs * (4 + 6 * Math.random()) : undefined;
      if (retry) setTimeout(() => room.state === 'refused' && this.#enter(room), delayMs);
      else this.remove(room.name, new Refused(code, reason));
      room.receive({ is: 'refused', code, reason, retry, delayMs });
    });
  }

  #begin(command, refused) {
    this.#keep(command).catch((refusal) => GONE.has(refusal.code) || refused(refusal));
  }

  #check(command) {
    const bytes = new TextEncoder().encode(JSON.stringify(command)).length;
    if (this.state.name === 'closed') throw new Refused('closed');
    if (command.room !== undefined && !this.rooms.has(command.room)) throw new Refused('not_joined');
    if (this.#asked.size >= this.options.queueMax) throw new Refused('queue_full', undefined, true);
    if (bytes > this.options.messageBytesMax) throw new Refused('message_too_large', `${bytes} bytes`);
  }

  #keep(command, now = true) {
    const entry = { command };
    command.id ??= `${this.#prefix}-${++this.#ids}`;
    entry.promise = new Promise((resolve, reject) => Object.assign(entry, { resolve, reject }));
    this.#asked.set(command.id, entry);
    if (now) this.send(command);
    return entry.promise;
  }

  #abandon(which, refusal) {
    for (const { command, reject } of this.#asked.values()) {
      if (which(command) && this.#asked.delete(command.id)) reject(refusal);
    }
  }

  // Browsers hide the server's pings: after a silence as long as their interval, ask.
  #listen() {
    if (this.#probedAt && Date.now() - this.#probedAt > this.options.patienceMs) this.#drop('silent');
    else if (Date.now() - this.#heardAt > this.#quietMs) this.#probe();
  }

  #probe() {
    if (this.state.name !== 'online' || this.#probedAt) return;
    this.#probedAt = Date.now();
    this.time().catch(() => {});
  }

  #drop(reason) {
    this.#socket.close();
    this.#ended(1006, reason);
  }

  // A connection that lasted lets the waits start small again.
  #ended(code, why) {
    const { delayMinMs, delayMaxMs } = this.options;
    const { reconnect = reconnects(code), delay, reason = why || 'connection_lost' } = this.#farewell;
    if (!reconnect) return this.#stop({ code, reason });
    if (Date.now() - this.stats.since > 10 * delayMinMs) this.#attempt = 0;
    const delayMs = delay ?? Math.random() * Math.min(delayMaxMs, delayMinMs * 2 ** this.#attempt++);
    this.#forget();
    this.#timer = setTimeout(() => this.#open(), delayMs);
    this.#become('waiting', { code, reason, attempt: this.#attempt, retryAt: Date.now() + delayMs });
  }

  #forget() {
    clearInterval(this.#timer);
    if (this.#socket) this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket = this.stats.since = undefined;
    this.#abandon((command) => ['identify', 'join', 'time'].includes(command.do), new Refused('connection_lost'));
    this.rooms.forEach((room) => room.receive({ is: 'cut' }));
  }

  #stop(because) {
    this.#watchNetwork('remove');
    this.#socket?.close(1000, 'bye');
    this.#forget();
    this.#abandon(() => true, new Refused(because.reason));
    this.#become('closed', because);
  }

  #watchNetwork(verb) {
    for (const event of ['online', 'offline']) globalThis[`${verb}EventListener`]?.(event, this.#networkChanged);
  }

  #become(name, detail) {
    this.state = { name, ...detail };
    this.emit('state', this.state);
  }
}

const GONE = new Set(['connection_lost', 'left', 'closed']); // our own codes

/** By how many messages `to` is after `from`; 1 from nothing, or from one epoch, to another. */
function distance(from, to) {
  const [fromEpoch, fromOffset] = from?.split(':') ?? [];
  const [epoch, offset] = to.split(':');
  return fromEpoch === epoch ? offset - fromOffset : 1;
}

// docs/protocol.md, close codes; one that a proxy made is worth another try.
function reconnects(code) {
  return ![1000, 1002, 1003, 1007, 1009].includes(code) && !(code >= 4500 && code <= 4999);
}

function bodyOf(body) {
  return typeof body === 'string' ? { text: body } : body;
}
