// Waiting for what can only be asked for: again and again, with a bound.

import { PATIENCE_MS } from '../../clients/harness/listener.js';

/** Resolves once it holds. */
export async function soon(holds, what) {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within ${PATIENCE_MS} ms: ${what}`);
  }
}
