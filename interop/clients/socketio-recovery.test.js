// Connection state recovery: a stock client that was cut comes back as who it was, in its rooms, and is told what it missed.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startProxy } from '../../clients/js/harness/proxy.js';
import { startServer } from '../../clients/js/harness/server.js';
import { KINDS, Member } from './harness/socketio.js';

const HISTORY = 100;
const CUTS = 5;
// Clients before 4.6 do not know of it.
const RECOVERING = KINDS.filter(({ version }) => version === 4);

let server;
before(async () => (server = await startServer([], { socketio_recovery_seconds: 60, history_messages: HISTORY })));
after(() => server.stop());

/** A client whose line can be cut, in a room of its own, with a friend whose line holds. */
async function pair(t, kind) {
  const proxy = await startProxy(server.port);
  t.after(() => proxy.refuse());
  const member = await Member.open(t, proxy.page, kind);
  const friend = await Member.open(t, server.page);
  const room = `${t.name} ${member.name}`;
  await Promise.all([friend.join(room), member.join(room)]);
  return { proxy, member, friend, room, id: member.socket.id };
}

const forEach = (run) => (t) => Promise.all(RECOVERING.map(async (kind) => run(await pair(t, kind), t)));

async function cutWhile(proxy, member, run) {
  const { times } = member;
  await proxy.refuse();
  await member.parted();
  await run();
  await proxy.accept();
  await member.connected(times + 1);
}

test('who is cut is who it was, in its room, and is told what it missed', forEach(async ({ proxy, member, friend, room, id }) => {
  await friend.say(room, 'before');
  await member.messages(1);
  await cutWhile(proxy, member, async () => {
    await friend.say(room, 'missed');
    await friend.say(room, Buffer.from([1, 2]));
  });
  await member.say(room, 'not joined again');
  assert.deepEqual(await member.messages(4), ['before', 'missed', [1, 2], 'not joined again'], member.name);
  assert.deepEqual(member.heard.map(({ at }) => Number(at.split(':')[1])), [1, 2, 3, 4], member.name);
  assert.deepEqual([member.socket.recovered, member.socket.id], [true, id], member.name);
}));

test('who had been told nothing yet is told everything since it joined', forEach(async ({ proxy, member, friend, room, id }) => {
  await cutWhile(proxy, member, () => friend.say(room, 'the first'));
  assert.deepEqual(await member.messages(1), ['the first'], member.name);
  assert.deepEqual([member.socket.recovered, member.socket.id], [true, id], member.name);
}));

test('a name is kept, and direct messages come to it', forEach(async ({ proxy, member, friend }) => {
  const name = `alice of ${member.name}`;
  await member.ask('log in', { username: name });
  await friend.ask('log in', { username: 'bob' });
  await cutWhile(proxy, member, () => {});
  await friend.ask('send message', { username: name, message: 'psst' });
  assert.deepEqual(await member.messages(1), ['psst'], member.name);
}));

test('of several rooms each goes on where it was', forEach(async ({ proxy, member, friend, room }) => {
  const rooms = [room, `${room} 2`, `${room} 3`];
  for (const other of rooms.slice(1)) await Promise.all([friend.join(other), member.join(other)]);
  for (let round = 0; round < 3; round++) for (const each of rooms) await friend.say(each, `${each} ${round}`);
  await member.messages(9);
  await cutWhile(proxy, member, async () => {
    for (const each of rooms) await friend.say(each, `${each} 3`);
  });
  await member.messages(12);
  for (const each of rooms) {
    const heard = member.heard.map(({ message }) => message).filter((message) => message.startsWith(each) && message.length === each.length + 2);
    assert.deepEqual(heard, [0, 1, 2, 3].map((number) => `${each} ${number}`), member.name);
  }
  assert.equal(member.socket.recovered, true, member.name);
}));

test('cut again and again in the middle of what it is told, a client hears everything once and in order', forEach(async ({ proxy, member, friend, room }) => {
  let said = 0;
  for (let cuts = 1; cuts <= CUTS; cuts++) {
    const { length } = member.fate.heard;
    proxy.cutEachAfter(61 + 97 * cuts);
    while (member.fate.heard.length === length && said < HISTORY) await friend.say(room, said++);
    await cutWhile(proxy, member, () => {});
    assert.equal(member.socket.recovered, true, `${member.name}, cut ${cuts}`);
  }
  assert.deepEqual(await member.messages(said), Array.from({ length: said }, (_, number) => number), member.name);
}));

test('who missed more than is remembered begins anew, and knows it', forEach(async ({ proxy, member, friend, room, id }) => {
  await cutWhile(proxy, member, async () => {
    await Promise.all(Array.from({ length: HISTORY + 1 }, (_, number) => friend.say(room, number)));
  });
  assert.equal(member.socket.recovered, false, member.name);
  assert.notEqual(member.socket.id, id, member.name);
  assert.equal((await member.say(room, 'x')).code, 'not_joined', member.name);
  assert.deepEqual(member.heard, [], member.name);
}));

test('who left by its own will is not recovered', forEach(async ({ member, id }) => {
  member.socket.disconnect().connect();
  await member.connected(2);
  assert.equal(member.socket.recovered, false, member.name);
  assert.notEqual(member.socket.id, id, member.name);
}));

test('older clients come back as somebody new, and are not disturbed', async (t) => {
  const proxy = await startProxy(server.port);
  t.after(() => proxy.refuse());
  for (const version of [2, 3]) {
    const member = await Member.open(t, proxy.page, { version, transport: 'websocket' });
    await member.join(`older ${version}`);
    await cutWhile(proxy, member, () => {});
    await member.join(`older ${version}`);
    await member.say(`older ${version}`, 'hi');
    assert.deepEqual(await member.messages(1), ['hi'], member.name);
  }
});
