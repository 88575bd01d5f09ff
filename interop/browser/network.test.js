// Losing the network, or the server, and coming back without losing a line.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { until } from '../../clients/js/harness/await.js';
import { newRoom } from '../../clients/js/harness/cast.js';
import { startProxy } from '../../clients/js/harness/proxy.js';
import { startServer } from '../../clients/js/harness/server.js';
import { joinAs } from './harness/poster.js';
import { browserTest } from './harness/tabs.js';

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

browserTest('a cut costs no line, and says what came meanwhile', async (open) => {
  const room = newRoom();
  const bob = await joinAs(server.url, 'bob', room);
  const alice = await (await open({ at: proxy.page })).enter('alice', room);
  await bob.post('before');
  await alice.texts(1);
  await proxy.refuse();
  await alice.state('waiting');
  for (const text of ['meanwhile 1', 'meanwhile 2', 'meanwhile 3']) await bob.post(text);
  await alice.say('written while away');
  await alice.shows('#outbox .mark', 'Sending…');
  await proxy.accept();
  await alice.state('online');
  await alice.shows('.news', '3 messages while you were away');
  assert.deepEqual(await alice.texts(5), ['before', 'meanwhile 1', 'meanwhile 2', 'meanwhile 3', 'written while away']);
  await alice.shows('#notice', 'Back again. Nothing is lost.');
  assert.deepEqual(await alice.all('#outbox li'), []);
});

browserTest('cut again and again in the middle of frames, every line arrives once', async (open) => {
  const room = newRoom();
  const bob = await joinAs(server.url, 'bob', room);
  const alice = await (await open({ at: proxy.page })).enter('alice', room);
  const expected = [];
  for (let round = 0; round < 5; round++) {
    await alice.state('online');
    proxy.cutAfter(100 + round * 333);
    for (let n = 0; n < 10; n++) expected.push(`${round}.${n}`);
    await Promise.all(expected.slice(-10).map((text) => bob.post(text)));
    await alice.hurry();
  }
  await alice.shows('#messages .text', '4.9');
  assert.deepEqual(await alice.texts(50), expected);
});

browserTest('a wait counts down and can be cut short', async (open) => {
  const alice = await (await open({ at: proxy.page })).enter('alice', newRoom());
  await alice.evaluate(() => (Math.random = () => 0.999));
  await proxy.refuse();
  await alice.shows('#notice', /Reconnecting in \d+ s/);
  await proxy.accept();
  await alice.page.getByRole('button', { name: 'Try now' }).click();
  await alice.state('online');
});

browserTest('a killed server that comes back is found again, and says what it lost', async (open) => {
  const mortal = await startServer();
  const alice = await (await open({ at: mortal.page })).enter('alice', newRoom());
  await alice.say('gone with the server');
  await alice.texts(1);
  await mortal.kill();
  await alice.state('waiting');
  await alice.say('for the new one');
  await mortal.start();
  await alice.state('online');
  await alice.shows('.lost', 'Some messages lost: they cannot be had any more.');
  assert.deepEqual(await alice.texts(2), ['gone with the server', 'for the new one']);
  await mortal.kill();
});

browserTest('a server that goes away says so', async (open) => {
  const mortal = await startServer();
  const alice = await (await open({ at: mortal.page })).enter('alice', newRoom());
  const stopped = mortal.stop();
  await alice.shows('#notice', 'The server is restarting');
  await stopped;
  await mortal.start();
  await alice.state('online');
  await mortal.kill();
});

browserTest('without a network the page says so', async (open) => {
  const alice = await (await open({ at: proxy.page })).enter('alice', newRoom());
  await alice.page.context().setOffline(true);
  await proxy.refuse();
  await alice.shows('#notice', 'You are offline');
  await proxy.accept();
  await alice.page.context().setOffline(false);
  await alice.state('online');
});

browserTest('a message whose answer was cut off is sent once', async (open) => {
  const room = newRoom();
  const alice = await (await open({ at: proxy.page })).enter('alice', room);
  const bob = await joinAs(server.url, 'bob', room);
  const seen = [];
  bob.room.on('message', ({ text }) => seen.push(text));
  proxy.swallowAnswers();
  await alice.say('once');
  await alice.shows('#outbox .mark', 'Sending…');
  proxy.cut();
  await proxy.accept();
  assert.deepEqual(await alice.texts(1), ['once']);
  await bob.post('end');
  await until(bob.room, 'message', () => seen.at(-1) === 'end');
  assert.deepEqual(seen, ['once', 'end']);
});

browserTest('a person who is already connected elsewhere stays one person', async (open) => {
  const room = newRoom();
  const first = await (await open({ at: server.page })).enter('alice', room);
  const second = await (await open({ at: proxy.page })).enter('alice', room);
  await second.say('from my other tab');
  assert.deepEqual(await first.texts(1), ['from my other tab']);
  assert.equal(await first.page.locator('.row.own').count(), 1);
  await first.shows('#count', '1 member');
});
