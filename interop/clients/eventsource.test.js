// The `eventsource` package, which is a browser's EventSource on Node, as a reader of rooms.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { EventSource } from 'eventsource';
import { startProxy } from '../../clients/js/harness/proxy.js';
import { startServer } from '../../clients/js/harness/server.js';
import { Reader } from './harness/reader.js';

let server;
let proxy;
before(async () => {
  server = await startServer();
  proxy = await startProxy(server.port);
});
after(async () => {
  await proxy.refuse();
  await server.stop();
});

const read = (room, since) => new Reader(proxy.page, room, since);

async function post(room, text) {
  const answer = await fetch(`${server.page}/rooms/${room}`, { method: 'POST', body: text });
  assert.equal(answer.status, 200);
  return (await answer.json()).at;
}

test('a reader hears the room, each message with its position', async () => {
  const reader = read('news');
  const joined = await reader.one(({ kind }) => kind === 'joined');
  assert.deepEqual([joined.id, joined.room], [joined.at, 'news']);
  const at = [await post('news', 'one'), await post('news', 'zwei\nlines')];
  const heard = await reader.messages(2);
  assert.deepEqual(heard.map(({ id, is, text }) => [id, is, text]), [
    [at[0], 'posted', 'one'],
    [at[1], 'posted', 'zwei\nlines'],
  ]);
  reader.source.close();
});

test('a reader that was cut comes back by itself and misses nothing', async () => {
  const reader = read('cut');
  await reader.one(({ kind }) => kind === 'joined');
  await proxy.refuse();
  const at = [await post('cut', 'while away')];
  await proxy.accept();
  at.push((await reader.messages(1))[0] && (await post('cut', 'when back')));
  proxy.cut();
  at.push(await post('cut', 'away again'));
  const heard = await reader.messages(3);
  assert.deepEqual(heard.map(({ id }) => id), at);
  const joined = reader.heard.filter(({ kind }) => kind === 'joined');
  assert.deepEqual(joined.map(({ resumed }) => resumed), [undefined, true, true]);
  reader.source.close();
});

test('a position in the address resumes too, and one that is gone is told as lost', async () => {
  const [first, second] = [await post('old', 'first'), await post('old', 'second')];
  const reader = read('old', first);
  assert.deepEqual((await reader.messages(1)).map(({ id }) => id), [second]);
  reader.source.close();
  const stranger = read('old', `zzz:${first.split(':')[1]}`);
  const { since, at } = await stranger.one(({ kind }) => kind === 'lost');
  assert.ok(since.startsWith('zzz:') && at.includes(':'));
  stranger.source.close();
});

test('a refused request is not tried again', async () => {
  const reader = read('a', 'nonsense');
  const { code } = await new Promise((resolve) => reader.source.addEventListener('error', resolve));
  assert.deepEqual([code, reader.source.readyState], [400, EventSource.CLOSED]);
});
