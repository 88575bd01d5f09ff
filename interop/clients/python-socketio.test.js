// Python's python-socketio over each transport, in a program of its own, in one room with a client in JavaScript.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startProxy } from '../../clients/js/harness/proxy.js';
import { startServer } from '../../clients/js/harness/server.js';
import { python } from './harness/python.js';
import { Member, plain } from './harness/socketio.js';

const PROGRAM = fileURLToPath(new URL('python/socketio_rooms.py', import.meta.url));
const HEARTBEATS = 4;
const HELD = [
  'share_a_room', 'say_much_at_once', 'leave_and_be_refused', 'write_to_one_user',
  'speak_in_two_namespaces', 'pass_events_on', 'stay_while_quiet', 'come_back_after_a_cut',
];
const SAID = ['hi 🌍', [0, 1, 255], { deep: [1, 'two'] }, Array(20_000).fill(120), ['a', null], 'still there?', 'back again'];

let server;
before(async () => {
  await python();
  server = await startServer(['--ping-interval', '1'], { ping_timeout: 2, socketio_namespaces: '/news', socketio_relay: 'draw' });
});
after(() => server.stop());

/** What the program says it has held; it is done what it asks for meanwhile. */
async function converse(asked, ...parameters) {
  const program = spawn(await python(), [PROGRAM, ...parameters], { stdio: ['ignore', 'pipe', 'inherit'] });
  const held = [];
  createInterface({ input: program.stdout }).on('line', (line) => (asked[line] ? asked[line]() : held.push(line)));
  await once(program, 'close');
  return held;
}

const isOfRoom = ({ event }) => event === 'message';

describe('python-socketio', { concurrency: true }, () => {
  for (const transports of [['polling'], ['websocket'], ['polling', 'websocket']]) {
    const name = transports.join(', then ');
    test(`over ${name}`, async (t) => {
      const proxy = await startProxy(server.port);
      t.after(() => proxy.refuse());
      const neighbour = await Member.open(t, server.page);
      await neighbour.join(name);
      const speak = () => neighbour.heartbeats(HEARTBEATS).then(() => neighbour.say(name, 'still there?'));
      const asked = { cut: () => proxy.refuse(), parted: () => proxy.accept(), quiet: speak };
      assert.deepEqual(await converse(asked, proxy.page, name, ...transports), HELD);
      await neighbour.until((heard) => heard.filter(isOfRoom).length >= SAID.length);
      assert.deepEqual(neighbour.heard.filter(isOfRoom).map(({ message }) => plain(message)), SAID);
    });
  }
});
