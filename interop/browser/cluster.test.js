// The dashboard of a cluster: nodes that are well, take their leave or have gone are told apart, and so is one that hears nobody.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { Cluster } from '../balancers/harness/cluster.js';
import { faults } from './harness/audit.js';
import { browserTest } from './harness/tabs.js';

let cluster;
before(async () => {
  cluster = await Cluster.start({ nodes: 10, redis: true, keys: { threads: 1, drain_wait_seconds: 600 } });
});
after(async () => {
  cluster.nodes.forEach((node) => node.kill('SIGKILL'));
  await cluster.end();
});

const SIZES = [{ scheme: 'light' }, { scheme: 'dark', width: 390, height: 844 }];

async function check(open, words) {
  for (const size of SIZES) {
    const tab = await open({ at: cluster.nodes[0].admin, ...size });
    await tab.shows('#nodes-count', words);
    assert.deepEqual(await faults(tab), [], words);
    assert.ok(await tab.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'too wide');
  }
}

browserTest('nodes are told apart, the worst first', async (open) => {
  const [own, leaving, dying] = cluster.nodes;
  const tab = await open({ at: own.admin });
  await tab.shows('#nodes-count', '10 ready');
  await fetch(`${leaving.admin}/api/v1/drain`, { method: 'POST' });
  dying.kill('SIGKILL');
  await tab.shows('#nodes-count', '1 gone, 1 draining, 8 ready');
  const states = await tab.all('#nodes .state');
  assert.match(states[0], /^Gone \d+ s ago$/);
  assert.match(states[1], /^Draining for \d+ s$/);
  await check(open, '1 gone');
});

browserTest('a node without its Redis says so', async (open) => {
  process.kill(cluster.redisPid, 'SIGKILL');
  const tab = await open({ at: cluster.nodes[0].admin });
  await tab.shows('#notice', 'This node is not ready: cut off');
  await check(open, '1 cut off');
});
