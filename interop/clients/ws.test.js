// Node's `ws` in plain rooms and in the rich protocol.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import WebSocket from 'ws';
import { startServer } from '../../clients/js/harness/server.js';
import { Listener } from './harness/listener.js';

const SUBPROTOCOL = 'heimdallr.v1.json';

let server;
before(async () => (server = await startServer(['--ping-interval', '1'])));
after(() => server.stop());

class Member extends Listener {
  constructor(path, subprotocol, options) {
    super();
    this.socket = new WebSocket(`ws://127.0.0.1:${server.port}${path}`, subprotocol, options);
    this.socket.on('message', (bytes, isBinary) => this.hear(isBinary ? [...bytes] : String(bytes)));
    this.closed = once(this.socket, 'close').then(([code, reason]) => [code, String(reason)]);
  }

  static async open(path, subprotocol, options) {
    const member = new Member(path, subprotocol, options);
    await once(member.socket, 'open');
    return member;
  }

  async close() {
    this.socket.close(1000);
    return this.closed;
  }
}

class Speaker extends Member {
  static async open(user, ids = 'i') {
    const speaker = new Speaker('/v1', SUBPROTOCOL);
    await once(speaker.socket, 'open');
    Object.assign(speaker, { ids, count: 0 });
    if (user) speaker.welcome = await speaker.ask({ do: 'identify', user });
    return speaker;
  }

  hear(text) {
    super.hear(JSON.parse(text));
  }

  /** Sends a command and waits for its answer. */
  ask(command) {
    const id = command.id ?? `${this.ids}${this.count++}`;
    this.socket.send(JSON.stringify({ id, ...command }));
    return this.one((told) => told.id === id && told.is !== 'posted' && told.is !== 'direct');
  }

  told(is) {
    return this.one((told) => told.is === is);
  }
}

test('members of a plain room get what is said, in one order, the speaker too', async () => {
  const members = await Promise.all([1, 2, 3].map(() => Member.open('/a%20room')));
  for (let i = 0; i < 50; i++) members[i % 3].socket.send(i % 2 ? `text ${i}` : Buffer.from([i, 255]));
  const [first, ...others] = await Promise.all(members.map((member) => member.until((heard) => heard.length === 50)));
  for (const heard of others) assert.deepEqual(heard, first);
  assert.ok(first.some((one) => Array.isArray(one) && one[1] === 255));
  for (const member of members) assert.deepEqual(await member.close(), [1000, '']);
});

test('long messages go compressed, and uncompressed to who asked for that', async () => {
  const [small, plain] = [await Member.open('/deflate'), await Member.open('/deflate', [], { perMessageDeflate: false })];
  assert.match(small.socket.extensions, /permessage-deflate/);
  assert.equal(plain.socket.extensions, '');
  small.socket.send('x'.repeat(60_000), { compress: true });
  for (const member of [small, plain]) assert.equal((await member.until((heard) => heard.length)).at(0).length, 60_000);
  await Promise.all([small.close(), plain.close()]);
});

test('a plain room and the rich protocol are one room', async () => {
  const [ann, guest] = [await Speaker.open('ann'), await Member.open('/shared')];
  const { at } = await ann.ask({ do: 'join', room: 'shared' });
  const accepted = await ann.ask({ do: 'post', room: 'shared', text: 'hi' });
  assert.equal(accepted.is, 'accepted');
  const demo = JSON.parse(await guest.one(() => true));
  assert.deepEqual([demo.msgType, demo.text, demo.userId, typeof demo.date], ['user', 'hi', 'ann', 'number']);
  guest.socket.send(JSON.stringify({ msgType: 'user', text: 'hello', userId: 7 }));
  guest.socket.send(Buffer.from([0, 1]));
  const said = await ann.until((heard) => heard.filter(({ is }) => is === 'posted').length === 3);
  const posts = said.filter(({ is }) => is === 'posted').map(({ at, user, text, binary }) => [at, user, text, binary]);
  const [epoch, offset] = at.split(':');
  const later = (count) => `${epoch}:${Number(offset) + count}`;
  assert.deepEqual(posts, [
    [later(1), 'ann', 'hi', undefined],
    [later(2), '7', 'hello', undefined],
    [later(3), undefined, undefined, 'AAE='],
  ]);
  await Promise.all([ann.close(), guest.close()]);
});

test('what was missed follows when a position is given, and history comes in pages', async () => {
  const [ann, bob] = [await Speaker.open('ann', 'a'), await Speaker.open('bob', 'b')];
  const { at } = await bob.ask({ do: 'join', room: 'history' });
  await ann.ask({ do: 'join', room: 'history' });
  await bob.ask({ do: 'leave', room: 'history' });
  for (let i = 0; i < 5; i++) await ann.ask({ do: 'post', room: 'history', text: `line ${i}` });
  const joined = await bob.ask({ do: 'join', room: 'history', since: at });
  assert.equal(joined.resumed, true);
  const missed = await bob.until((heard) => heard.filter(({ is }) => is === 'posted').length === 5);
  const texts = missed.filter(({ is }) => is === 'posted').map(({ text }) => text);
  assert.deepEqual(texts, ['line 0', 'line 1', 'line 2', 'line 3', 'line 4']);
  const page = await bob.ask({ do: 'recall', room: 'history', limit: 2 });
  assert.deepEqual([page.messages.map(({ text }) => text), page.more], [['line 3', 'line 4'], true]);
  const { messages } = await bob.ask({ do: 'recall', room: 'history', before: page.messages[0].at });
  assert.deepEqual(messages.map(({ text }) => text), ['line 0', 'line 1', 'line 2']);
  await Promise.all([ann.close(), bob.close()]);
});

test('a post that is sent again is not a second message', async () => {
  const ann = await Speaker.open('ann');
  await ann.ask({ do: 'join', room: 'twice' });
  const first = await ann.ask({ do: 'post', room: 'twice', id: 'same', text: 'once' });
  ann.heard.length = 0;
  const second = await ann.ask({ do: 'post', room: 'twice', id: 'same', text: 'once' });
  assert.deepEqual([second.is, second.at], ['accepted', first.at]);
  await ann.close();
});

test('direct messages, presence, signals and the time', async () => {
  const [ann, bob] = [await Speaker.open('direct ann', 'a'), await Speaker.open('direct bob', 'b')];
  await ann.ask({ do: 'join', room: 'talk' });
  await bob.ask({ do: 'join', room: 'talk' });
  const presence = await ann.one(({ is, joined }) => is === 'presence' && joined?.includes('direct bob'));
  assert.equal(presence.members, 2);
  ann.socket.send(JSON.stringify({ do: 'signal', room: 'talk', signal: 'typing' }));
  assert.equal((await bob.told('signal')).user, 'direct ann');
  assert.equal((await ann.ask({ do: 'direct', to: 'direct bob', data: [1] })).is, 'accepted');
  const { user, data, room } = await bob.told('direct');
  assert.deepEqual([user, data, room], ['direct ann', [1], undefined]);
  assert.equal((await ann.ask({ do: 'direct', to: 'nobody', text: 'x' })).code, 'no_such_user');
  assert.ok(Math.abs((await ann.ask({ do: 'time' })).time - Date.now()) < 10_000);
  await Promise.all([ann.close(), bob.close()]);
});

test('a command that cannot be done is refused by its code, and the session stays', async () => {
  const guest = await Speaker.open();
  const codes = [
    [{ do: 'fly' }, 'bad_request'],
    [{ do: 'join', room: '' }, 'bad_name'],
    [{ do: 'join', room: 'a', since: 'yesterday' }, 'bad_position'],
    [{ do: 'post', room: 'elsewhere', text: 'x' }, 'not_joined'],
    [{ do: 'direct', to: 'ann', text: 'x' }, 'not_identified'],
  ];
  for (const [command, code] of codes) assert.equal((await guest.ask(command)).code, code);
  assert.equal((await guest.ask({ do: 'time' })).is, 'time');
  await guest.close();
});

test('whoever breaks the protocol is closed with a code that says so', async () => {
  for (const [message, code, reason] of [
    ['hi', 4500, 'bad_message'],
    [Buffer.from('{}'), 4500, 'bad_message'],
    [`{"do":"time","id":"${'x'.repeat(70_000)}"}`, 1009, 'message_too_large'],
  ]) {
    const speaker = await Speaker.open();
    speaker.socket.send(message);
    assert.deepEqual(await speaker.closed, [code, reason]);
    assert.equal((await speaker.told('closing')).code, code);
  }
});

test('the server pings, and lives with who answers', async () => {
  const member = await Member.open('/quiet');
  for (let pings = 0; pings < 3; pings++) await once(member.socket, 'ping');
  assert.equal(member.socket.readyState, WebSocket.OPEN);
  await member.close();
});

test('who does not answer pings is closed with 4009', async () => {
  const member = await Member.open('/dead', [], { autoPong: false });
  assert.deepEqual(await member.closed, [4009, 'ping_timeout']);
});
