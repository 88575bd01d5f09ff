// Stock Socket.IO clients in one room with each other and with a plain WebSocket: what they say, hear and are answered.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import WebSocket from 'ws';
import { startServer } from '../../clients/js/harness/server.js';
import { Listener } from './harness/listener.js';
import { Member } from './harness/socketio.js';

const BURST = 50;

let server;
before(async () => (server = await startServer()));
after(() => server.stop());

async function plainMember(t, room) {
  const heard = new Listener();
  heard.socket = new WebSocket(`ws://127.0.0.1:${server.port}/${room}`);
  heard.socket.on('message', (bytes, isBinary) => heard.hear(isBinary ? [...bytes] : String(bytes)));
  t.after(() => heard.socket.close());
  await once(heard.socket, 'open');
  return heard;
}

test('everybody in a room is told the same in the same order, whatever client and transport', async (t) => {
  const members = await Member.everybody(t, server.page);
  for (const member of members) {
    const joined = await member.join('lobby');
    assert.match(joined.at, /^\w+:\d+$/, member.name);
    assert.deepEqual(joined.present, []);
  }
  const plain = await plainMember(t, 'lobby');
  const accepted = await Promise.all(members.map((member) => member.say('lobby', `from ${member.name} 🌍`)));
  assert.equal(new Set(accepted.map(({ at }) => at)).size, members.length);
  plain.socket.send('from a plain room');
  const count = members.length + 1;
  const first = await members[0].until((said) => said.length >= count);
  assert.ok(first.some((said) => said.message === 'from a plain room' && said.userId === ''));
  for (const member of members) {
    assert.deepEqual(await member.until((said) => said.length >= count), first, member.name);
  }
  const shown = await plain.until((said) => said.length >= count);
  assert.deepEqual(shown.map((said) => (said.startsWith('{') ? JSON.parse(said).text : said)), first.map((said) => said.message));
});

test('bytes stay bytes and JSON stays JSON, whoever says them', async (t) => {
  const members = await Member.everybody(t, server.page);
  for (const member of members) await member.join('bytes');
  const plain = await plainMember(t, 'bytes');
  for (const [index, member] of members.entries()) {
    await member.say('bytes', Buffer.from([0, 1, 255, index]));
    await member.say('bytes', { deep: [index, 'two'] });
  }
  plain.socket.send(Buffer.alloc(20_000, 7));
  const expected = members.flatMap((_, index) => [[0, 1, 255, index], { deep: [index, 'two'] }]);
  for (const member of members) {
    assert.deepEqual(await member.messages(expected.length + 1), [...expected, Array(20_000).fill(7)], member.name);
  }
  const heard = await plain.until((said) => said.length > expected.length);
  assert.deepEqual(heard.slice(0, 2), [[0, 1, 255, 0], '{"deep":[0,"two"]}']);
});

test('what is said at once is acknowledged in order', async (t) => {
  const members = await Member.everybody(t, server.page);
  await Promise.all(members.map(async (member) => {
    await member.join(`burst ${member.name}`);
    const texts = Array.from({ length: BURST }, (_, index) => `${index}`);
    const answers = await Promise.all(texts.map((text) => member.say(`burst ${member.name}`, text)));
    assert.deepEqual(answers.map(({ at }) => Number(at.split(':')[1])), Array.from({ length: BURST }, (_, index) => index + 1), member.name);
    assert.deepEqual(await member.messages(BURST), texts, member.name);
  }));
});

test('who has left a room hears no more of it', async (t) => {
  const members = await Member.everybody(t, server.page);
  const friend = await Member.open(t, server.page);
  await friend.join('left');
  for (const member of members) {
    await member.join('left');
    assert.deepEqual(await member.ask('leaveRoom', { room: 'left' }), {}, member.name);
  }
  await friend.say('left', 'unheard');
  for (const member of members) await member.join('left');
  await friend.say('left', 'heard');
  for (const member of members) assert.deepEqual(await member.messages(1), ['heard'], member.name);
});

test('a direct message reaches every device of its user and nobody else', async (t) => {
  const devices = await Member.everybody(t, server.page);
  const bob = await Member.open(t, server.page);
  for (const device of devices) assert.deepEqual(await device.ask('log in', { username: 'alice' }), {}, device.name);
  await bob.ask('log in', { username: 'bob' });
  await bob.ask('send message', { username: 'alice', message: 'psst' });
  await bob.ask('send message', { username: 'alice', message: Buffer.from([1, 2]) });
  for (const device of devices) {
    assert.deepEqual(await device.messages(2), ['psst', [1, 2]], device.name);
    assert.deepEqual(device.heard.map(({ event, username }) => [event, username]), Array(2).fill(['new message', 'bob']));
  }
  assert.deepEqual(bob.heard, []);
  assert.equal((await bob.ask('send message', { username: 'nobody', message: 'x' })).code, 'no_such_user');
});

test('who is here is said to those who come', async (t) => {
  const members = await Member.everybody(t, server.page);
  const names = members.map(({ name }) => name);
  for (const [index, member] of members.entries()) {
    await member.ask('log in', { username: member.name });
    const { members: count, guests, present } = await member.join('present');
    assert.deepEqual([count, guests, present.sort()], [index + 1, 0, names.slice(0, index + 1).sort()], member.name);
  }
});

test('what cannot be done is said by its code, and the client stays', async (t) => {
  for (const member of await Member.everybody(t, server.page)) {
    assert.equal((await member.say('elsewhere', 'x')).code, 'not_joined', member.name);
    assert.equal((await member.ask('joinRoom', { room: '' })).code, 'bad_name', member.name);
    assert.equal((await member.ask('joinRoom', 7)).code, 'bad_request', member.name);
    assert.equal((await member.ask('message')).code, 'bad_request', member.name);
    assert.equal((await member.say('elsewhere', { deep: Buffer.from([1]) })).code, 'bad_request', member.name);
    assert.equal((await member.ask('send message', { username: 'a', message: 'x' })).code, 'not_identified', member.name);
    await member.join('lobby');
  }
});
