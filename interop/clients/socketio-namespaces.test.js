// Stock clients in several namespaces over one connection.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import WebSocket from 'ws';
import { startServer } from '../../clients/js/harness/server.js';
import { Listener } from './harness/listener.js';
import { KINDS, Member } from './harness/socketio.js';

let server;
before(async () => (server = await startServer([], { socketio_namespaces: '/news,/sports' })));
after(() => server.stop());

const forEachKind = (run) => (t) => Promise.all(KINDS.map(async (kind) => run(await Member.open(t, server.page, kind), t)));

test('a room of a namespace is told there, and is the room of the longer name to everybody else', forEachKind(async (main, t) => {
  const [news, sports] = [main.also('/news'), main.also('/sports')];
  const room = `r ${main.name}`;
  const plain = new Listener();
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}/${encodeURIComponent(`/news/${room}`)}`);
  t.after(() => socket.close());
  socket.on('message', (bytes) => plain.hear(String(bytes)));
  await once(socket, 'open');
  for (const member of [main, news, sports]) {
    await member.connected(1);
    await member.join(room);
  }
  await news.say(room, 'of /news');
  socket.send('to /news');
  await sports.say(room, Buffer.from([1, 2]));
  await main.say(room, 'of the main one');
  assert.deepEqual(await news.messages(2), ['of /news', 'to /news'], main.name);
  assert.deepEqual(await sports.messages(1), [[1, 2]], main.name);
  assert.deepEqual(await main.messages(1), ['of the main one'], main.name);
  assert.equal((await plain.until((heard) => heard.length >= 2)).length, 2);
  assert.equal(new Set([main, news, sports].map((member) => member.socket.id)).size, 3, main.name);
}));

test('who leaves one namespace stays in the other', forEachKind(async (main) => {
  const news = main.also('/news');
  await news.connected(1);
  await main.join(`stay ${main.name}`);
  await news.join(`stay ${main.name}`);
  news.socket.close();
  await main.say(`stay ${main.name}`, 'still here');
  assert.deepEqual(await main.messages(1), ['still here'], main.name);
  news.socket.open();
  await news.connected(2);
  assert.equal((await news.say(`stay ${main.name}`, 'x')).code, 'not_joined', main.name);
  assert.deepEqual(main.fate.heard, ['connected'], main.name);
}));

test('one name holds in every namespace', forEachKind(async (main) => {
  const news = main.also('/news');
  await news.connected(1);
  assert.deepEqual(await news.ask('log in', { username: main.name }), {});
  assert.equal((await main.ask('log in', { username: 'another' })).code, 'already_identified', main.name);
}));

test('a namespace that is not there is refused, and nothing else happens', forEachKind(async (main) => {
  const refused = new Listener();
  const { socket } = main.also('/nowhere');
  socket.on(main.version === 2 ? 'error' : 'connect_error', (error) => refused.hear(error.message ?? error));
  assert.deepEqual(await refused.until((heard) => heard.length > 0), ['Invalid namespace'], main.name);
  await main.join('lobby');
  assert.deepEqual(main.fate.heard, ['connected'], main.name);
}));
