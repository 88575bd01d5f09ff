// Stock Socket.IO clients of 2.x, 3.x and 4.x over every transport and with every parser, each a member that remembers what it heard and how it fared.

import { createRequire } from 'node:module';
import { Listener, PATIENCE_MS } from './listener.js';

const require = createRequire(import.meta.url);
const MSGPACK = require('socket.io-msgpack-parser');

const CLIENTS = { 2: 'socket.io-client-2', 3: 'socket.io-client-3', 4: 'socket.io-client-4' };
const TRANSPORTS = { polling: ['polling'], websocket: ['websocket'], upgrading: ['polling', 'websocket'] };
const PARSERS = { 2: [undefined], 3: [undefined, MSGPACK], 4: [undefined, MSGPACK] };

/** Every version over every transport, with every parser. */
export const KINDS = Object.keys(CLIENTS).flatMap((version) =>
  PARSERS[version].flatMap((parser) =>
    Object.keys(TRANSPORTS).map((transport) => ({ version: Number(version), transport, parser })),
  ),
);

// A client whose WebSocket opens and ends before a word was said notices only after `timeout`.
const PROMPT = { forceNew: true, reconnectionDelay: 20, reconnectionDelayMax: 50, timeout: 500 };
const EVENTS = ['message', 'new message', 'all', 'lost'];

/** Bytes as a list of numbers, whatever the client has put them in; anything else as it is. */
export const plain = (value) => (ArrayBuffer.isView(value) || value instanceof ArrayBuffer ? [...Buffer.from(value)] : value);

export class Member extends Listener {
  /** What befell its connection: `connected`, or why it was parted. */
  fate = new Listener();

  constructor(socket, { version, transport, parser }) {
    super();
    Object.assign(this, { socket, version, transport, parser, ends: transport === 'polling' ? 'polling' : 'websocket' });
    this.name = `${version}.x ${transport}${parser ? ' msgpack' : ''}`;
    this.listen(EVENTS);
    socket.on('connect', () => this.fate.hear('connected'));
    socket.on('disconnect', (why) => this.fate.hear(why));
  }

  /** A member that connects, and goes with its test. */
  static start(test, address, { version = 4, transport = 'upgrading', parser, ...options } = {}) {
    const client = require(CLIENTS[version]);
    const socket = (client.io ?? client)(address, { ...PROMPT, transports: TRANSPORTS[transport], ...(parser && { parser }), ...options });
    const { io: manager } = socket;
    test.after(() => (manager._close ?? manager.close).call(manager));
    return new Member(socket, { version, transport, parser });
  }

  static async open(test, address, kind) {
    const member = Member.start(test, address, kind);
    await member.connected(1);
    return member;
  }

  /** One of every kind. */
  static everybody(test, address, options = {}) {
    return Promise.all(KINDS.map((kind) => Member.open(test, address, { ...kind, ...options })));
  }

  /** The same client in another namespace, over the same connection. */
  also(namespace) {
    return new Member(this.socket.io.socket(namespace), this);
  }

  listen(events) {
    for (const event of events) this.socket.on(event, (said, at) => this.hear({ event, ...said, ...(at && { at }) }));
  }

  /** How often it has connected. */
  get times() {
    return this.fate.heard.filter((one) => one === 'connected').length;
  }

  /** Waits until it has connected so many times in all. */
  async connected(times, patienceMs) {
    await this.fate.until(() => this.times >= times, patienceMs);
  }

  /** Waits until it is not connected; says why. */
  async parted() {
    return (await this.fate.until((heard) => heard.at(-1) !== 'connected')).at(-1);
  }

  /** Waits for so many more pings, of which every side sends its own kind: a client of 2.x, and the server of later ones. */
  async heartbeats(count) {
    const beats = new Listener();
    this.socket.io.engine.on('packet', ({ type }) => ['ping', 'pong'].includes(type) && beats.hear(type));
    await beats.until((heard) => heard.length >= count);
  }

  /** Resolves with what the event is acknowledged with. */
  ask(...event) {
    return new Promise((resolve, reject) => {
      const end = (settle) => (value) => {
        clearTimeout(timer);
        this.socket.off('disconnect', unanswered);
        settle(value);
      };
      const unanswered = end((why) => reject(new Error(`${this.name} asked ${event[0]} and got: ${why}`)));
      const timer = setTimeout(unanswered, PATIENCE_MS, 'silence');
      this.socket.on('disconnect', unanswered);
      this.socket.emit(...event, end(resolve));
    });
  }

  async join(room) {
    const joined = await this.ask('joinRoom', { room });
    if (!joined.at) throw new Error(`${this.name} could not join: ${joined.code}`);
    return joined;
  }

  say(room, message) {
    return this.ask('message', { room, userId: this.name, message });
  }

  /** What the messages it heard say, once there are so many; bytes as lists of numbers. */
  async messages(count) {
    return (await this.until((heard) => heard.length >= count)).map(({ message }) => plain(message));
  }

  get carrier() {
    return this.socket.io.engine.transport.name;
  }
}
