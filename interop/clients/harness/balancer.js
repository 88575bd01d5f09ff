// A balancer that knows nothing but connections: each goes to the first server that takes it.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { freePort } from '../../../clients/js/harness/server.js';

/** In front of these servers; its end cuts everything. */
export async function startBalancer(test, ...servers) {
  const port = await freePort();
  const lines = new Set();
  const join = async (near) => {
    near.on('error', () => {});
    const far = await first(servers);
    if (!far) return near.resetAndDestroy();
    for (const [one, other] of [[near, far], [far, near]]) {
      lines.add(one);
      one.on('error', () => other.destroy()).on('close', () => lines.delete(one)).pipe(other);
    }
  };
  const listener = createServer({ pauseOnConnect: false, allowHalfOpen: true, noDelay: true }, join);
  await once(listener.listen(port, '127.0.0.1'), 'listening');
  test.after(() => {
    listener.close();
    for (const line of lines) line.destroy();
  });
  return { port, page: `http://127.0.0.1:${port}` };
}

async function first(servers) {
  for (const { port } of servers) {
    const far = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    try {
      await once(far, 'connect');
      return far;
    } catch {
      far.destroy();
    }
  }
  return undefined;
}
