// Three nodes that share a Redis are stopped and started again, one after the other, while their clients talk: nobody misses anything,
// nobody hears anything twice, and all hear it in one order.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventSource } from 'eventsource';
import { live, until } from '../../clients/js/harness/await.js';
import { enter, newRoom, record } from '../../clients/js/harness/cast.js';
import { startServer } from '../../clients/js/harness/server.js';
import { startFailover, startRounds } from './harness/balancer.js';
import { Listener } from './harness/listener.js';
import { startRedis } from './harness/redis.js';
import { Member } from './harness/socketio.js';

const NODES = 3;
const ROOMS = 3;
const MEMBERS = 8;
const SPEAKERS = 4;
/** Slow enough that there is talk while some have moved and others have not. */
const RATE = 10;

async function cluster(t) {
  const keys = { redis: await startRedis(t), cluster_secret: 'not much of a secret', drain_sessions_per_second: RATE };
  const servers = await Promise.all(Array.from({ length: NODES }, () => startServer([], keys)));
  for (const server of servers) t.after(() => server.kill());
  return { servers, balancer: await startRounds(t, ...servers) };
}

/** What a reader of events hears of a room. */
function read(t, page, room) {
  const reader = new Listener();
  const source = new EventSource(`${page}/events/${encodeURIComponent(room)}`);
  t.after(() => source.close());
  for (const kind of ['message', 'joined', 'lost']) source.addEventListener(kind, ({ data }) => reader.hear(JSON.parse(data)));
  return reader;
}

const offset = (at) => Number(at.split(':')[1]);

test('who talks through a rolling restart misses nothing', { timeout: 120_000 }, async (t) => {
  const { servers, balancer } = await cluster(t);
  const url = `ws://127.0.0.1:${balancer.port}/v1`;
  const lost = [];
  const rooms = await Promise.all(Array.from({ length: ROOMS }, async () => {
    const name = newRoom();
    const reader = read(t, balancer.page, name);
    await reader.one(({ is }) => is === 'joined');
    const members = await Promise.all(Array.from({ length: MEMBERS }, async (_, number) => {
      const room = await live(enter(t, url, { user: `member ${number}` }).join(name));
      room.on('lost', (what) => lost.push(what));
      return { room, heard: record(room) };
    }));
    return { name, reader, members, said: new Map() };
  }));
  let goesOn = true;
  const talk = async ({ room }, said) => {
    for (let number = 0; goesOn; number++) {
      const text = `${room.name} ${said.size} ${number}`;
      said.set(await room.post(text), text);
    }
  };
  const talking = rooms.flatMap(({ members, said }) => members.slice(0, SPEAKERS).map((speaker) => talk(speaker, said)));
  for (const server of servers) {
    assert.equal(await server.stop(), 0);
    await server.start();
  }
  goesOn = false;
  await Promise.all(talking);
  for (const { reader, members, said } of rooms) {
    const last = Math.max(...[...said.keys()].map(offset));
    const expected = Array.from({ length: last }, (_, index) => index + 1);
    for (const { room, heard } of members) {
      await until(room, 'message', () => offset(room.at) === last);
      assert.deepEqual(heard.map(({ at }) => offset(at)), expected);
      assert.ok(heard.every(({ at, text }) => said.get(at) === text));
    }
    const read = (heard) => heard.filter(({ is }) => is === 'posted').map(({ at }) => offset(at));
    assert.deepEqual(read(await reader.until((heard) => read(heard).at(-1) === last)), expected);
  }
  assert.deepEqual(lost, []);
  const count = rooms.reduce((sum, { said }) => sum + said.size, 0);
  t.diagnostic(`${count} messages were said meanwhile`);
  assert.ok(count > 500, `${count} messages`);
});

test('who is told to leave by Socket.IO goes on at another node where it was', async (t) => {
  const keys = { redis: await startRedis(t), cluster_secret: 'not much of a secret', socketio_recovery_seconds: 60 };
  const [leaving, staying] = await Promise.all([startServer([], keys), startServer([], keys)]);
  for (const server of [leaving, staying]) t.after(() => server.kill());
  const balancer = await startFailover(t, leaving, staying);
  const friend = await Member.open(t, staying.page);
  const members = await Promise.all(['websocket', 'polling', 'upgrading'].map((transport) => Member.open(t, balancer.page, { transport })));
  await Promise.all([friend, ...members].map((member) => member.join('lobby')));
  const ids = members.map(({ socket }) => socket.id);
  const stopped = leaving.stop();
  let said = 0;
  while (members.some(({ times }) => times < 2)) await friend.say('lobby', ++said);
  assert.equal(await stopped, 0);
  await friend.say('lobby', ++said);
  const expected = Array.from({ length: said }, (_, index) => index + 1);
  for (const [index, member] of members.entries()) {
    assert.deepEqual([member.socket.recovered, member.socket.id], [true, ids[index]], member.name);
    assert.deepEqual(await member.messages(said), expected, member.name);
  }
});
