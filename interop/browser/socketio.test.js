// The page over Socket.IO, through the stock client that the server hands out.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from '../../clients/js/harness/await.js';
import { newRoom } from '../../clients/js/harness/cast.js';
import { startProxy } from '../../clients/js/harness/proxy.js';
import { startServer } from '../../clients/js/harness/server.js';
import { faults } from './harness/audit.js';
import { joinAs } from './harness/poster.js';
import { browserTest } from './harness/tabs.js';

const STOCK_CLIENT = fileURLToPath(new URL('../node_modules/socket.io-client-4/dist/socket.io.min.js', import.meta.url));
const VIA = '/?via=socketio';

let server;
let proxy;
before(async () => {
  server = await startServer([], { socketio_client_file: STOCK_CLIENT });
  proxy = await startProxy(server.port);
});
after(async () => {
  await proxy.refuse();
  await server.kill();
});

browserTest('a tab over Socket.IO chats with a tab on the usual protocol', async (open) => {
  const room = newRoom();
  const alice = await (await open({ at: server.page })).enter('alice', room);
  const bob = await (await open({ at: server.page, path: VIA })).enter('bob', room);
  await alice.say('Hello, Bob.');
  assert.deepEqual(await bob.texts(1), ['Hello, Bob.']);
  await bob.say('Hello, Alice.\nHow are you?');
  for (const tab of [alice, bob]) {
    assert.deepEqual(await tab.texts(2), ['Hello, Bob.', 'Hello, Alice.\nHow are you?']);
    await tab.shows('#count', '2 members');
    assert.equal(await tab.page.locator('.row.own').count(), 1);
    assert.deepEqual(await tab.all('#outbox li'), []);
  }
  assert.deepEqual((await bob.all('#people .name')).sort(), ['alice', 'bob']);
  await bob.shows('#people-note', 'As it was when you came.');
});

browserTest('a tab over Socket.IO says so, stays so, and knows its position', async (open) => {
  const room = newRoom();
  const bob = await (await open({ at: server.page, path: VIA })).enter('bob', room);
  await bob.say('one position');
  await bob.texts(1);
  await bob.page.click('#line');
  await bob.shows('#facts dd', 'Socket.IO');
  await bob.shows('#facts dd', /^[0-9a-z]+:1$/);
  await bob.page.reload();
  await bob.state('online');
  assert.deepEqual(Object.fromEntries(new URL(bob.page.url()).searchParams), { room, via: 'socketio' });
  assert.deepEqual(await faults(bob), []);
});

browserTest('a room that was left is not heard in the next one', async (open) => {
  const [first, second] = [newRoom(), newRoom()];
  const carol = await joinAs(server.url, 'carol', first);
  const bob = await (await open({ at: server.page, path: VIA })).enter('bob', first);
  await bob.evaluate((path) => (history.pushState(null, '', path), dispatchEvent(new PopStateEvent('popstate'))), `${VIA}&room=${encodeURIComponent(second)}`);
  await bob.shows('#room-title', second);
  await bob.shows('#count', '1 member');
  await carol.post('unheard');
  await bob.say('heard');
  assert.deepEqual(await bob.texts(1), ['heard']);
});

browserTest('a direct message over Socket.IO is shown as one', async (open) => {
  const name = `bob ${newRoom()}`;
  const bob = await (await open({ at: server.page, path: VIA })).enter(name, newRoom());
  const alice = await joinAs(server.url, 'alice', newRoom());
  await alice.chat.direct(name, 'psst');
  await bob.shows('.row.private', 'only to you');
  await alice.chat.direct(name, 'again');
  assert.deepEqual(await bob.texts(2), ['psst', 'again']);
});

browserTest('a cut tab over Socket.IO comes back, says what it missed, and sends what was written meanwhile', async (open) => {
  const room = newRoom();
  const alice = await joinAs(server.url, 'alice', room);
  const bob = await (await open({ at: proxy.page, path: VIA })).enter('bob', room);
  await alice.post('before');
  await bob.texts(1);
  await proxy.refuse();
  await bob.state('waiting');
  await alice.post('missed');
  await bob.say('written while away');
  await proxy.accept();
  await bob.hurry();
  await bob.state('online');
  await bob.shows('.lost', '1 message lost');
  assert.deepEqual(await bob.texts(2), ['before', 'written while away']);
  await alice.post('after');
  await bob.texts(3);
});

browserTest('where clients are recovered, a cut tab over Socket.IO misses nothing', async (open) => {
  const recovering = await startServer([], { socketio_client_file: STOCK_CLIENT, socketio_recovery_seconds: 60 });
  const line = await startProxy(recovering.port);
  const room = newRoom();
  const alice = await joinAs(recovering.url, 'alice', room);
  const bob = await (await open({ at: line.page, path: VIA })).enter('bob', room);
  await alice.post('before');
  await bob.texts(1);
  await line.refuse();
  await bob.state('waiting');
  await alice.post('missed');
  await bob.say('written while away');
  await line.accept();
  await bob.hurry();
  await bob.shows('#notice', 'Back again. Nothing is lost.');
  assert.deepEqual(await bob.texts(3), ['before', 'missed', 'written while away']);
  await line.refuse();
  await recovering.kill();
});

browserTest('a message whose answer a cut took is not sent twice by itself', async (open) => {
  const room = newRoom();
  const alice = await joinAs(server.url, 'alice', room);
  const seen = [];
  alice.room.on('message', ({ text }) => seen.push(text));
  const bob = await (await open({ at: proxy.page, path: VIA })).enter('bob', room);
  proxy.swallowAnswers();
  await bob.say('once');
  await until(alice.room, 'message', () => seen.length === 1);
  await proxy.refuse();
  await bob.state('waiting');
  await proxy.accept();
  await bob.hurry();
  await bob.shows('#outbox .mark', 'Not sent: perhaps lost');
  assert.deepEqual(seen, ['once']);
  await bob.page.getByRole('button', { name: 'Send again' }).click();
  await bob.texts(1);
  assert.deepEqual(await bob.all('#outbox li'), []);
});

browserTest('a server without the stock client says that it has none', async (open) => {
  const bare = await startServer();
  const bob = await open({ at: bare.page, path: VIA });
  await bob.knock('bob', newRoom());
  await bob.shows('#panel', 'there is no /socket.io/socket.io.js');
  await bare.kill();
});
