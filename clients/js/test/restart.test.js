// A server that goes away: killed, or politely.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { live, next, state, until } from '../harness/await.js';
import { enter, newRoom, record } from '../harness/cast.js';
import { startServer } from '../harness/server.js';

test('messages that a killed server took with it are told as lost', async (t) => {
  const server = await startServer();
  t.after(() => server.kill());
  const chat = enter(t, server.url, { user: 'alice' });
  const room = await live(chat.join(newRoom()));
  const at = await room.post('gone with the server');
  await until(room, 'message', () => room.at === at);
  const lost = next(room, 'lost');
  await server.kill();
  await state(chat, 'waiting');
  const post = room.post('posted while it was away');
  await server.start();
  assert.equal((await lost).since, at);
  const newAt = await post;
  assert.notEqual(newAt.split(':')[0], at.split(':')[0]);
  assert.equal(room.state, 'live');
});

test('a server that stops says so, and its clients come back', async (t) => {
  const server = await startServer();
  t.after(() => server.kill());
  const chat = enter(t, server.url, { user: 'alice' });
  const room = await live(chat.join(newRoom()));
  const seen = record(room);
  const waiting = next(chat, 'state', ({ name }) => name === 'waiting');
  const stopped = server.stop();
  const { code, reason } = await waiting;
  assert.deepEqual([code, reason], [4012, 'server_restart']);
  await stopped;
  await server.start();
  await room.post('back');
  await until(room, 'message', () => seen.length === 1);
  assert.equal(seen[0].text, 'back');
});
