// A Redis of a test's own, with nothing in it before and nothing left after.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { freePort } from '../../../clients/js/harness/server.js';

/** Its URL. */
export async function startRedis(test) {
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const redis = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'ignore'] });
  test.after(() => redis.kill('SIGKILL'));
  const lines = createInterface({ input: redis.stdout });
  const ready = new Promise((resolve) => lines.on('line', (line) => line.includes('Ready to accept') && resolve()));
  await Promise.race([ready, once(redis, 'exit').then(() => Promise.reject(new Error('no Redis')))]);
  return `redis://127.0.0.1:${port}`;
}
