// What a bad network may do, and what it must not: lose a message, or show one twice.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { live, next, refusal, state, until } from '../harness/await.js';
import { enter, newRoom, record } from '../harness/cast.js';
import { startProxy } from '../harness/proxy.js';
import { startServer } from '../harness/server.js';

let server;
let proxy;
before(async () => {
  server = await startServer();
  proxy = await startProxy(server.port);
});
after(async () => {
  await proxy.refuse();
  await server.kill();
});

const numbers = (count) => Array.from({ length: count }, (_, i) => `${i}`);
const texts = (messages) => messages.map((message) => message.text);

test('a line cut in the middle of frames loses nothing and shows nothing twice', async (t) => {
  const name = newRoom();
  const alice = await live(enter(t, server.url, { user: 'alice' }).join(name));
  const chat = enter(t, proxy.url, { user: 'bob' });
  const bob = await live(chat.join(name));
  const seen = record(bob);
  for (let round = 0; round < 20; round++) {
    await state(chat, 'online');
    proxy.cutAfter(37 + round * 101);
    for (const text of numbers(20)) alice.post(`${round}:${text}`);
  }
  await alice.post('end');
  await until(bob, 'message', () => seen.at(-1)?.text === 'end');
  const expected = Array.from({ length: 20 }, (_, round) => numbers(20).map((text) => `${round}:${text}`)).flat();
  assert.deepEqual(texts(seen), [...expected, 'end']);
  assert.ok(chat.stats.connected > 1, 'was never cut');
  assert.ok(chat.stats.resumed > 0, 'never resumed');
});

test('what is posted while offline arrives later, once and in order', async (t) => {
  const name = newRoom();
  const alice = await live(enter(t, server.url, { user: 'alice' }).join(name));
  const chat = enter(t, proxy.url, { user: 'bob' });
  const bob = await live(chat.join(name));
  const seen = record(alice);
  await proxy.refuse();
  await state(chat, 'waiting');
  const posts = numbers(50).map((text) => bob.post(text));
  await proxy.accept();
  await Promise.all(posts);
  await until(alice, 'message', () => seen.length >= 50);
  assert.deepEqual(texts(seen), numbers(50));
});

test('a post whose answer was lost is not a second message', async (t) => {
  const name = newRoom();
  const alice = await live(enter(t, server.url, { user: 'alice' }).join(name));
  const chat = enter(t, proxy.url, { user: 'bob' });
  const bob = await live(chat.join(name));
  const seen = record(alice);
  proxy.swallowAnswers();
  const post = bob.post('once');
  await until(alice, 'message', () => seen.length === 1);
  proxy.cut();
  await proxy.accept();
  assert.equal(await post, seen[0].at);
  await bob.post('again', seen[0].id).then((at) => assert.equal(at, seen[0].at));
  const at = await bob.post('next');
  await until(alice, 'message', () => alice.at === at);
  assert.deepEqual(texts(seen), ['once', 'next']);
});

test('a line that went silent is given up', async (t) => {
  const chat = enter(t, proxy.url, { user: 'bob', patienceMs: 200 });
  const room = await live(chat.join(newRoom()));
  await chat.time();
  proxy.freeze();
  chat.reconnectNow();
  assert.equal((await state(chat, 'waiting')).reason, 'silent');
  await proxy.accept();
  await live(room);
});

test('a handshake without an answer is given up', async (t) => {
  proxy.freeze();
  const chat = enter(t, proxy.url, { user: 'bob', patienceMs: 200 });
  assert.equal((await state(chat, 'waiting')).reason, 'silent');
  await proxy.accept();
  await state(chat, 'online');
});

test('direct messages missed during a cut follow', async (t) => {
  const alice = enter(t, server.url, { user: 'alice' });
  const bob = enter(t, proxy.url, { user: `bob ${newRoom()}` });
  await state(alice, 'online');
  await state(bob, 'online');
  const heard = [];
  bob.on('direct', (message) => heard.push(message.text));
  await alice.direct(bob.user, 'one');
  await until(bob, 'direct', () => heard.length === 1);
  await proxy.refuse();
  await alice.direct(bob.user, 'two');
  await alice.direct(bob.user, 'three');
  await proxy.accept();
  await until(bob, 'direct', () => heard.length === 3);
  assert.deepEqual(heard, ['one', 'two', 'three']);
});

test('a page asked for during a cut comes after it', async (t) => {
  const chat = enter(t, proxy.url, { user: 'bob' });
  const room = await live(chat.join(newRoom()));
  await room.post('kept');
  await proxy.refuse();
  await state(chat, 'waiting');
  const page = room.recall({ limit: 1 });
  await proxy.accept();
  assert.deepEqual(texts((await page).messages), ['kept']);
});

test('waits grow, are random, and stay in their bounds', async (t) => {
  await proxy.refuse();
  const chat = enter(t, proxy.url, { user: 'bob', delayMinMs: 4, delayMaxMs: 64 });
  const waits = [];
  chat.on('state', ({ name, retryAt, attempt }) => name === 'waiting' && waits.push([attempt, retryAt - Date.now()]));
  await until(chat, 'state', () => waits.length === 12);
  await proxy.accept();
  for (const [attempt, ms] of waits) assert.ok(ms <= Math.min(64, 4 * 2 ** (attempt - 1)), `${attempt}: ${ms} ms`);
  assert.ok(new Set(waits.map(([, ms]) => ms)).size > 3, 'not random');
});

test('a wait can be ended', async (t) => {
  await proxy.refuse();
  const chat = enter(t, proxy.url, { user: 'bob', delayMinMs: 600_000, delayMaxMs: 600_000 });
  await state(chat, 'waiting');
  await proxy.accept();
  chat.reconnectNow();
  await state(chat, 'online');
});

test('a connection closed here stays closed', async (t) => {
  const chat = enter(t, server.url, { user: 'bob' });
  await state(chat, 'online');
  const asked = refusal(chat.direct('nobody', 'hi'));
  chat.close();
  assert.deepEqual([chat.state.name, (await asked).code], ['closed', 'closed']);
  assert.equal((await refusal(chat.time())).code, 'closed');
});

test('the round trip is measured', async (t) => {
  const chat = enter(t, server.url, { user: 'bob' });
  await state(chat, 'online');
  const time = await chat.time();
  assert.ok(Math.abs(time - Date.now()) < 5_000);
  assert.ok(chat.stats.roundTripMs > 0 && chat.stats.roundTripMs < 5_000);
});
