// Balancers that know nothing but connections: each goes to a server that takes it.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { freePort } from '../../../clients/js/harness/server.js';

/** Each connection goes to the first of these servers that takes it. */
export function startFailover(test, ...servers) {
  return startBalancer(test, () => servers);
}

/** By turns. */
export function startRounds(test, ...servers) {
  let turn = 0;
  return startBalancer(test, () => {
    turn = (turn + 1) % servers.length;
    return [...servers.slice(turn), ...servers.slice(0, turn)];
  });
}

/** `order` says, for each connection anew, which servers to try. */
async function startBalancer(test, order) {
  const port = await freePort();
  const lines = new Set();
  const join = async (near) => {
    near.on('error', () => {});
    const far = await first(order());
    if (!far) return near.resetAndDestroy();
    for (const [one, other] of [[near, far], [far, near]]) {
      lines.add(one);
      one.on('error', () => other.destroy()).on('close', () => lines.delete(one)).pipe(other);
    }
  };
  const listener = createServer({ allowHalfOpen: true, noDelay: true }, join);
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
