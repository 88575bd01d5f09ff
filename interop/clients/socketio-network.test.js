// What a network may do to stock Socket.IO clients, and that they come back by themselves.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startProxy } from '../../clients/js/harness/proxy.js';
import { startServer } from '../../clients/js/harness/server.js';
import { Listener } from './harness/listener.js';
import { KINDS, Member } from './harness/socketio.js';

const HEARTBEATS = 3;
const CUTS = 5;
const BURST = 20;
const CUT = ['transport close', 'transport error'];

let server;
before(async () => (server = await startServer()));
after(() => server.stop());

async function proxied(t) {
  const proxy = await startProxy(server.port);
  t.after(() => proxy.refuse());
  return proxy;
}

/** Waits until a member has moved to the transport where it ends. */
async function settled(member) {
  const { engine } = member.socket.io;
  const moves = new Listener();
  engine.on('upgrade', () => moves.hear(engine.transport.name));
  if (member.carrier !== member.ends) await moves.one((name) => name === member.ends);
}

test('clients that say nothing stay as long as they answer, and move to the WebSocket', async (t) => {
  const strict = await startServer(['--ping-interval', '1'], { ping_timeout: 1 });
  t.after(() => strict.kill());
  const members = await Member.everybody(t, strict.page);
  await Promise.all(members.map(async (member) => {
    await Promise.all([settled(member), member.heartbeats(HEARTBEATS)]);
    assert.deepEqual([member.fate.heard, member.carrier], [['connected'], member.ends], member.name);
  }));
});

test('who is cut comes back by itself as somebody new, joins again and hears on', async (t) => {
  const proxy = await proxied(t);
  const friend = await Member.open(t, server.page);
  const members = await Member.everybody(t, proxy.page);
  await friend.join('cut');
  await Promise.all(members.map((member) => settled(member).then(() => member.join('cut'))));
  const ids = members.map(({ socket }) => socket.id);
  await proxy.refuse();
  for (const member of members) assert.ok(CUT.includes(await member.parted()), `${member.name}: ${member.fate.heard}`);
  await proxy.accept();
  for (const member of members) {
    await member.connected(2);
    assert.ok(!ids.includes(member.socket.id), member.name);
    await member.join('cut');
  }
  await friend.say('cut', Buffer.from([1, 2, 3]));
  for (const member of members) assert.deepEqual(await member.messages(1), [[1, 2, 3]], member.name);
});

test('cut again and again in the middle of what it is told, a client hears nothing twice and nothing out of order', async (t) => {
  const friend = await Member.open(t, server.page);
  await Promise.all(KINDS.map(async (kind) => {
    const proxy = await proxied(t);
    const member = await Member.open(t, proxy.page, kind);
    const room = `torn ${member.name}`;
    await friend.join(room);
    let said = 0;
    for (let cuts = 1; cuts <= CUTS; cuts++) {
      await member.join(room);
      await friend.say(room, ++said);
      await member.until((heard) => heard.at(-1)?.message === said);
      const { length } = member.fate.heard;
      proxy.cutEachAfter(61 + 97 * cuts);
      while (member.fate.heard.length === length) {
        await Promise.all(Array.from({ length: BURST }, () => friend.say(room, ++said)));
      }
      await proxy.refuse();
      await member.parted();
      const { times } = member;
      await proxy.accept();
      await member.connected(times + 1);
    }
    const heard = await member.messages(0);
    assert.deepEqual(heard, [...new Set(heard)].sort((one, other) => one - other), member.name);
  }));
});

test('where no WebSocket passes, a client that wants to move stays with its polls', async (t) => {
  const proxy = await proxied(t);
  proxy.refuseUpgrades();
  for (const version of [2, 3, 4]) {
    const failed = new Listener();
    const member = Member.start(t, proxy.page, { version });
    member.socket.io.on('open', () => member.socket.io.engine.on('upgradeError', () => failed.hear('upgradeError')));
    await member.connected(1);
    await failed.one(() => true);
    await member.join(`polls ${version}`);
    await member.say(`polls ${version}`, 'still here');
    assert.deepEqual(await member.messages(1), ['still here'], member.name);
    assert.deepEqual([member.fate.heard, member.carrier], [['connected'], 'polling'], member.name);
  }
});

test('who breaks the protocol is sent away alone, and comes back only when asked to', async (t) => {
  const neighbour = await Member.open(t, server.page);
  for (const member of await Member.everybody(t, server.page)) {
    await settled(member);
    member.socket.io.engine.write('9 is no packet');
    const whys = ['io server disconnect'];
    // The goodbye needs a poll that waits; it may also come behind the refusal of the post.
    if (member.ends === 'polling') whys.push('transport error');
    const why = await member.parted();
    assert.ok(whys.includes(why), `${member.name}: ${why}`);
    member.socket.connect();
    await member.connected(2);
  }
  assert.deepEqual(neighbour.fate.heard, ['connected']);
});

test('clients of a server that goes away wait for the next one', async (t) => {
  const mortal = await startServer();
  t.after(() => mortal.kill());
  const members = await Member.everybody(t, mortal.page);
  await Promise.all(members.map(settled));
  const stopped = mortal.stop();
  for (const member of members) assert.ok(CUT.includes(await member.parted()), `${member.name}: ${member.fate.heard}`);
  await stopped;
  await mortal.start();
  await Promise.all(members.map((member) => member.connected(2).then(() => member.join('after'))));
});
