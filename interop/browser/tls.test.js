// The page over https, beside one in plain text.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { newRoom } from '../../clients/js/harness/cast.js';
import { startServer } from '../../clients/js/harness/server.js';
import { browserTest } from './harness/tabs.js';

let server;
before(async () => (server = await startServer(['--dev-tls'])));
after(() => server.kill());

browserTest('a tab over https and one in plain text chat', async (open) => {
  const room = newRoom();
  const alice = await (await open({ at: `https://localhost:${server.port}`, trusting: true })).enter('alice', room);
  const bob = await (await open({ at: server.page })).enter('bob', room);
  await alice.say('Hello, Bob.');
  assert.deepEqual(await bob.texts(1), ['Hello, Bob.']);
  await bob.say('Hello, Alice.');
  assert.deepEqual(await alice.texts(2), ['Hello, Bob.', 'Hello, Alice.']);
});
