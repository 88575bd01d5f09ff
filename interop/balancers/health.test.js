// Nodes that die, go away politely and come back: nobody is sent to one that is not there, and no request fails for it.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import WebSocket from 'ws';
import { Listener } from '../clients/harness/listener.js';
import { Cluster } from './harness/cluster.js';
import { openSessions, settled } from './harness/sessions.js';
import { soon } from './harness/soon.js';

const ROUNDS = 30;
/** As nodes have it by themselves. */
const LEAVE = { drain_wait_seconds: 2, drain_seconds: 25 };

async function started(t, balancer) {
  const cluster = await Cluster.start({ balancer, keys: LEAVE });
  t.after(() => cluster.end());
  return cluster;
}

const areServed = async (cluster, count) => {
  for (const { status } of await openSessions(cluster, count)) assert.equal(status, 200);
};

/** They ask nodes for their health, but for nginx, which learns that a node goes away from what it answers. */
const BALANCERS = ['haproxy', 'nginx', 'apache'];
/** What a node takes and dies with is asked of another one, or fails once. */
const ASKS_ANOTHER = { haproxy: true, nginx: true, apache: false };

for (const balancer of BALANCERS) {
  describe(balancer, () => {
    test('a node that was killed gets nobody, and gets clients again once it is back', async (t) => {
      const cluster = await started(t, balancer);
      const [one, dead, other] = cluster.nodes;
      await areServed(cluster, ROUNDS);
      await settled(cluster, ROUNDS);
      const before = await one.count('heimdallr_opened_sessions_total') + await other.count('heimdallr_opened_sessions_total');
      dead.kill('SIGKILL');
      if (!ASKS_ANOTHER[balancer]) await soon(() => dead.refuses(), 'it is gone');
      await areServed(cluster, 2 * ROUNDS);
      const living = { counts: (metric) => Promise.all([one, other].map((node) => node.count(metric))) };
      await settled(living, before + 2 * ROUNDS);
      await cluster.revive(dead);
      const hasClients = () => areServed(cluster, 1).then(() => dead.count('heimdallr_opened_sessions_total'));
      await soon(hasClients, 'it gets clients');
    });

    test('a node that goes away keeps whom it has until it tells them, and nobody is turned away meanwhile', async (t) => {
      const cluster = await started(t, balancer);
      const heard = new Listener();
      const sockets = [];
      for (let index = 0; index < 2 * cluster.nodes.length; index++) {
        const socket = new WebSocket(`${cluster.page.replace('http', 'ws')}/lobby`);
        t.after(() => socket.terminate());
        socket.on('close', (code) => heard.hear(code));
        await once(socket, 'open');
        sockets.push(socket);
      }
      const [leaving] = cluster.nodes;
      leaving.kill('SIGTERM');
      await areServed(cluster, 2 * ROUNDS);
      await heard.until((codes) => codes.length >= 2);
      await areServed(cluster, ROUNDS);
      assert.deepEqual(new Set(heard.heard), new Set([heard.heard[0]]));
      assert.notEqual(heard.heard[0], 1006, 'it was cut');
      assert.equal(sockets.filter(({ readyState }) => readyState === WebSocket.OPEN).length, sockets.length - heard.heard.length);
    });
  });
}
