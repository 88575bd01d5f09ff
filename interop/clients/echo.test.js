// Stock Socket.IO clients of the example `conformance`, which says back what it is shown and told.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { example, startServer } from '../../clients/js/harness/server.js';
import { KINDS, Member, plain } from './harness/socketio.js';

const SAID = ['text', Buffer.from([0, 255]), { deep: [Buffer.from([1]), null] }, 7];
const HEARD = ['text', [0, 255], { deep: [[1], null] }, 7];

let server;
before(async () => (server = await startServer([], {}, example('conformance'))));
after(() => server.stop());

const shown = (value) => (value?.deep ? { deep: value.deep.map(plain) } : plain(value));

test('arguments and bytes come back, said and acknowledged, in both namespaces', async (t) => {
  await Promise.all(KINDS.map(async (kind) => {
    const main = await Member.open(t, server.page, kind);
    const custom = main.also('/custom');
    await custom.connected(1);
    for (const { socket, name } of [main, custom]) {
      const back = once(socket, 'message-back');
      socket.emit('message', ...SAID);
      assert.deepEqual((await back).map(shown), HEARD, name);
      const answer = await new Promise((done) => socket.emit('message-with-ack', ...SAID, (...said) => done(said)));
      assert.deepEqual(answer.map(shown), HEARD, name);
    }
  }));
});
