// Who gets how many requests: by turns, by weight, by a cookie, by the client's address.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cluster } from './harness/cluster.js';
import { openSessions, settled } from './harness/sessions.js';

const ROUNDS = 70;

async function started(t, balancer) {
  const cluster = await Cluster.start({ balancer });
  t.after(() => cluster.end());
  return cluster;
}

for (const balancer of ['haproxy', 'nginx', 'apache']) {
  test(`${balancer} takes the nodes by turns`, async (t) => {
    const cluster = await started(t, balancer);
    const answers = await openSessions(cluster, 3 * ROUNDS);
    assert.ok(answers.every(({ status }) => status === 200));
    assert.deepEqual(await settled(cluster, 3 * ROUNDS), [ROUNDS, ROUNDS, ROUNDS]);
  });
}

test('a node of three times the weight gets three times as many', async (t) => {
  const cluster = await started(t, 'haproxy-weighted');
  await openSessions(cluster, 7 * ROUNDS);
  assert.deepEqual(await settled(cluster, 7 * ROUNDS), [ROUNDS, 3 * ROUNDS, 3 * ROUNDS]);
});

test('who shows its cookie comes to the same node, and nodes do not see it', async (t) => {
  const cluster = await started(t, 'haproxy-cookie');
  const [first] = await openSessions(cluster, 1);
  const [cookie] = first.headers['set-cookie'][0].split(';');
  assert.match(cookie, /^HEIMDALLR_NODE=node[123]$/);
  await openSessions(cluster, ROUNDS, { headers: { cookie } });
  const mine = Number(cookie.at(-1)) - 1;
  assert.deepEqual(await settled(cluster, ROUNDS + 1), [0, 1, 2].map((node) => (node === mine ? ROUNDS + 1 : 0)));
});

test('ip_hash keeps an address with its node, and addresses are spread', async (t) => {
  const cluster = await started(t, 'nginx-ip-hash');
  await openSessions(cluster, ROUNDS);
  const alone = await settled(cluster, ROUNDS);
  assert.deepEqual(alone.toSorted((one, other) => one - other), [0, 0, ROUNDS]);
  // The first three numbers of an address count.
  for (let network = 0; network < ROUNDS; network++) await openSessions(cluster, 1, { localAddress: `127.0.${network}.1` });
  const spread = await settled(cluster, 2 * ROUNDS);
  assert.ok(spread.every((count, node) => count > alone[node]), `${spread}`);
});
