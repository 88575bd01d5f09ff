// Python's `websockets`, in a program of its own.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startServer } from '../../clients/js/harness/server.js';
import { python } from './harness/python.js';

const PROGRAM = fileURLToPath(new URL('python/rooms.py', import.meta.url));

let server;
before(async () => (server = await startServer()));
after(() => server.stop());

test("Python's websockets shares rooms, compresses, speaks the rich protocol and is closed by code", async () => {
  const { stdout } = await promisify(execFile)(await python(), [PROGRAM, `ws://127.0.0.1:${server.port}`]);
  const held = ['share_a_plain_room', 'compress', 'speak_the_rich_protocol', 'meet_the_close_codes'];
  assert.deepEqual(stdout.trim().split('\n'), held);
});
