// What people in a room see of each other.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { live, next, refusal, state, until } from '../harness/await.js';
import { enter, newRoom, record } from '../harness/cast.js';
import { startServer } from '../harness/server.js';

let server;
before(async () => (server = await startServer()));
after(() => server.kill());

test('two people see the same messages at the same positions', async (t) => {
  const name = newRoom();
  const alice = await live(enter(t, server.url, { user: 'alice' }).join(name));
  const bob = await live(enter(t, server.url, { user: 'bob' }).join(name));
  const [seenByAlice, seenByBob] = [record(alice), record(bob)];
  const at = await alice.post('hi, Bob ✓');
  await bob.post({ text: 'hello', data: { mood: ['good'] } });
  await until(alice, 'message', () => seenByAlice.length === 2);
  await until(bob, 'message', () => seenByBob.length === 2);
  assert.deepEqual(seenByAlice, seenByBob);
  assert.equal(seenByBob[0].at, at);
  assert.deepEqual([seenByBob[0].user, seenByBob[0].text], ['alice', 'hi, Bob ✓']);
  assert.deepEqual(seenByBob[1].data, { mood: ['good'] });
});

test('a room knows its members and counts its guests', async (t) => {
  const name = newRoom();
  const alice = await live(enter(t, server.url, { user: 'alice' }).join(name));
  assert.deepEqual([alice.members, alice.guests, [...alice.present]], [1, 0, ['alice']]);
  const bob = enter(t, server.url, { user: 'bob' });
  await live(bob.join(name));
  await live(enter(t, server.url).join(name));
  await until(alice, 'presence', () => alice.guests === 1 && alice.members === 2);
  assert.deepEqual([...alice.present].sort(), ['alice', 'bob']);
  bob.close();
  await until(alice, 'presence', () => alice.members === 1);
  assert.deepEqual([...alice.present], ['alice']);
});

test('a person with two sessions is one member', async (t) => {
  const name = newRoom();
  await live(enter(t, server.url, { user: 'alice' }).join(name));
  const second = await live(enter(t, server.url, { user: 'alice' }).join(name));
  assert.equal(second.members, 1);
});

test('a signal reaches the others, and not too often', async (t) => {
  const name = newRoom();
  const alice = await live(enter(t, server.url, { user: 'alice' }).join(name));
  const bob = await live(enter(t, server.url, { user: 'bob' }).join(name));
  const signals = [];
  alice.on('signal', ({ user, signal }) => signals.push([user, signal]));
  for (let i = 0; i < 10; i++) bob.signal('typing');
  const at = await bob.post('typed');
  await until(alice, 'message', () => alice.at === at);
  assert.deepEqual(signals, [['bob', 'typing']]);
});

test('history comes in pages that fit together', async (t) => {
  const room = await live(enter(t, server.url, { user: 'alice' }).join(newRoom()));
  await Promise.all(Array.from({ length: 120 }, (_, i) => room.post(`line ${i}`)));
  const texts = [];
  let page = { more: true };
  while (page.more) {
    page = await room.recall({ before: page.messages?.[0].at, limit: 50 });
    texts.unshift(...page.messages.map((message) => message.text));
  }
  assert.deepEqual(texts, Array.from({ length: 120 }, (_, i) => `line ${i}`));
});

test('a room joined at a position shows what came after it', async (t) => {
  const name = newRoom();
  const alice = await live(enter(t, server.url, { user: 'alice' }).join(name));
  const since = await alice.post('before');
  await alice.post('after 1');
  await alice.post('after 2');
  const room = enter(t, server.url, { user: 'bob' }).join(name, { since });
  const seen = record(room);
  assert.equal((await next(room, 'joined')).missed, 2);
  await live(room);
  assert.deepEqual(seen.map((message) => message.text), ['after 1', 'after 2']);
});

test('a direct message reaches every tab of a person', async (t) => {
  const alice = enter(t, server.url, { user: `alice ${newRoom()}` });
  const name = `bob ${newRoom()}`;
  const tabs = [enter(t, server.url, { user: name }), enter(t, server.url, { user: name })];
  await Promise.all([alice, ...tabs].map((chat) => state(chat, 'online')));
  const heard = tabs.map((tab) => next(tab, 'direct'));
  const at = await alice.direct(name, 'psst');
  for (const message of await Promise.all(heard)) {
    assert.deepEqual([message.at, message.user, message.text], [at, alice.user, 'psst']);
  }
});

test('refusals have codes', async (t) => {
  const chat = enter(t, server.url, { user: 'alice' });
  const room = await live(chat.join(newRoom()));
  const code = async (promise) => (await refusal(promise)).code;
  assert.equal(await code(room.post({})), 'bad_request');
  assert.equal(await code(room.post('x'.repeat(70_000))), 'message_too_large');
  assert.equal(await code(room.recall({ limit: 1_000 })), 'bad_request');
  assert.equal(await code(room.recall({ before: 'nowhere' })), 'bad_position');
  assert.equal(await code(chat.direct('nobody was ever called this', 'hi')), 'no_such_user');
  room.leave();
  assert.equal(await code(room.post('too late')), 'not_joined');
  assert.equal(chat.state.name, 'online');
});

test('a room that cannot be joined says why, and lets its posts go', async (t) => {
  const room = enter(t, server.url, { user: 'alice' }).join('x'.repeat(256));
  const post = refusal(room.post('hi'));
  const { code, retry } = await next(room, 'refused');
  assert.deepEqual([code, retry, (await post).code], ['bad_name', false, 'bad_name']);
});

test('a name that is refused ends the connection for good', async (t) => {
  const chat = enter(t, server.url, { user: 'line\nbreak' });
  assert.equal((await state(chat, 'closed')).code, 'bad_name');
  assert.equal((await refusal(chat.direct('bob', 'hi'))).code, 'closed');
});

test('what waits is bounded', async (t) => {
  const chat = enter(t, 'ws://127.0.0.1:1/v1', { user: 'alice', queueMax: 3 });
  const room = chat.join('lobby');
  const posts = [1, 2, 3].map((n) => refusal(room.post(`${n}`)));
  assert.equal((await refusal(room.post('4'))).code, 'queue_full');
  chat.close();
  assert.deepEqual((await Promise.all(posts)).map((error) => error.code), ['closed', 'closed', 'closed']);
});

test('who is sent out of a room is told so, and comes back only when asked to', async (t) => {
  const name = newRoom();
  const chat = enter(t, server.url, { user: 'alice' });
  const room = await live(chat.join(name));
  const removed = next(room, 'removed');
  const kick = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ user: 'alice' }) };
  assert.equal((await fetch(`${server.admin}/api/v1/rooms/${encodeURIComponent(name)}/kick`, kick)).status, 200);
  const { code, retry } = await removed;
  assert.deepEqual([code, retry, room.state, chat.rooms.size], ['kicked', true, 'left', 0]);
  assert.equal((await refusal(room.post('still here?'))).code, 'not_joined');
  await live(chat.join(name));
});
