// Python's python-socketio over each transport, in a program of its own, in one room with a client in JavaScript.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startProxy } from '../../clients/js/harness/proxy.js';
import { startServer } from '../../clients/js/harness/server.js';
import { python } from './harness/python.js';
import { Member } from './harness/socketio.js';

const PROGRAM = fileURLToPath(new URL('python/socketio_rooms.py', import.meta.url));
const HELD = ['share_a_room', 'say_much_at_once', 'leave_and_be_refused', 'write_to_one_user', 'come_back_after_a_cut'];
const SAID = ['hi 🌍', [0, 1, 255], { deep: [1, 'two'] }, Array(20_000).fill(120), ['a', null], 'back again'];

let server;
before(async () => (server = await startServer()));
after(() => server.stop());

/** What the program says it has held; its lines through the proxy are cut when it asks for that. */
async function converse(proxy, ...rest) {
  const asked = { cut: () => proxy.refuse(), parted: () => proxy.accept() };
  const program = spawn(await python(), [PROGRAM, proxy.page, ...rest], { stdio: ['ignore', 'pipe', 'inherit'] });
  const held = [];
  createInterface({ input: program.stdout }).on('line', (line) => (asked[line] ? asked[line]() : held.push(line)));
  await once(program, 'close');
  return held;
}

for (const transports of [['polling'], ['websocket'], ['polling', 'websocket']]) {
  const name = transports.join(', then ');
  test(`python-socketio over ${name}`, async (t) => {
    const proxy = await startProxy(server.port);
    t.after(() => proxy.refuse());
    const neighbour = await Member.open(t, server.page);
    await neighbour.join(name);
    assert.deepEqual(await converse(proxy, name, ...transports), HELD);
    assert.deepEqual(await neighbour.messages(SAID.length), SAID);
  });
}
