// A node that is asked to stop, and stock clients that go on at another one.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventSource } from 'eventsource';
import { startServer } from '../../clients/js/harness/server.js';
import { startFailover } from './harness/balancer.js';
import { Listener } from './harness/listener.js';
import { KINDS, Member } from './harness/socketio.js';

const CROWD = 2000;
const RATE = 500;
/** What a node tells at once. */
const BATCH = RATE / 20;
/** So many clients share this program's one thread; whoever tries in vain waits longer and longer. */
const CROWD_PATIENCE_MS = 60_000;

/** A node that is going to leave, one that stays, and a balancer before both. */
async function pair(t, keys = {}) {
  const servers = await Promise.all([startServer([], keys), startServer([], keys)]);
  for (const server of servers) t.after(() => server.kill());
  const balancer = await startFailover(t, ...servers);
  return { leaving: servers[0], staying: servers[1], page: balancer.page };
}

test('every kind of client comes back by itself, once', async (t) => {
  const { leaving, page } = await pair(t);
  const members = await Member.everybody(t, page);
  await Promise.all(members.map((member) => member.join('before')));
  const stopped = leaving.stop();
  for (const member of members) await member.connected(2);
  assert.equal(await stopped, 0);
  for (const member of members) {
    await member.join('after');
    // Who is quick may meet the node that leaves once more.
    const [first, ...rest] = member.fate.heard;
    assert.deepEqual([first, rest.pop(), ...new Set(rest)], ['connected', 'connected', 'transport close'], member.name);
  }
});

test('until it is told to go a client talks and hears on, and misses nothing before', async (t) => {
  const { leaving, page } = await pair(t, { drain_sessions_per_second: 20 });
  const members = await Member.everybody(t, page);
  await Promise.all(members.map((member) => member.join('busy')));
  const stopped = leaving.stop();
  const accepted = [];
  let number = 0;
  for (const speaker of members) {
    while (speaker.times === 1 && speaker.socket.connected) {
      // The one under way when it is told to go may have no answer.
      if (await speaker.say('busy', ++number).catch(() => undefined)) accepted.push(number);
    }
  }
  assert.equal(await stopped, 0);
  assert.ok(accepted.length > 10, `${accepted.length} were said`);
  for (const member of members) {
    const heard = member.heard.map(({ message }) => message);
    const missed = accepted.filter((one) => one < heard.at(-1) && !heard.includes(one));
    assert.deepEqual([missed, heard], [[], heard.toSorted((one, other) => one - other)], member.name);
    assert.ok(heard.length > 0, member.name);
  }
});

test('readers of events are told when to come back, and do', async (t) => {
  const { leaving, page } = await pair(t);
  const reader = new Listener();
  const source = new EventSource(`${page}/events/news`);
  t.after(() => source.close());
  for (const kind of ['joined', 'closing']) source.addEventListener(kind, ({ data }) => reader.hear(JSON.parse(data).is));
  await reader.one((is) => is === 'joined');
  await leaving.stop();
  assert.deepEqual(await reader.until((heard) => heard.length >= 3), ['joined', 'closing', 'joined']);
});

test('a crowd comes back no faster than the node was told to send it', async (t) => {
  const { leaving, page } = await pair(t, { drain_sessions_per_second: RATE });
  // Whoever gives an attempt up is one more that has to come, and on a busy machine soon everybody would.
  const kind = { version: 4, transport: 'websocket', timeout: 10_000 };
  const members = [];
  while (members.length < CROWD) {
    members.push(...await Promise.all(Array.from({ length: 100 }, () => Member.open(t, page, kind))));
  }
  const back = [];
  const start = performance.now();
  for (const { socket } of members) socket.on('connect', () => back.push(performance.now() - start));
  assert.equal(await leaving.stop(), 0);
  for (const member of members) await member.connected(2, CROWD_PATIENCE_MS);
  t.diagnostic(`${CROWD} came back in ${Math.round(back.at(-1))} ms`);
  assert.equal(back.length, CROWD);
  // Who is held up comes later, never earlier.
  const early = back.findIndex((at, number) => at < ((number - BATCH) * 1000) / RATE);
  assert.equal(early, -1, `number ${early} came back after ${back[early]} ms`);
});
