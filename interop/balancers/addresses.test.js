// Where clients are, as nodes know it behind each balancer.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent } from 'node:http';
import { test } from 'node:test';
import WebSocket from 'ws';
import { Member } from '../clients/harness/socketio.js';
import { BALANCERS, Cluster } from './harness/cluster.js';

const CLIENT = '127.0.7.42';

/** The addresses of those who have connected, as the nodes' logs say it. */
async function addresses(cluster) {
  const lines = (await Promise.all(cluster.nodes.map((node) => node.lines()))).flat();
  const said = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line)).filter(({ message }) => message === 'connect');
  return said.map(({ protocol, address }) => [protocol, address]);
}

for (const balancer of [...BALANCERS, 'haproxy-proxy-protocol']) {
  test(`${balancer} tells where a client is, whatever that says itself`, async (t) => {
    const cluster = await Cluster.start({ balancer, nodes: 1, keys: { log_level: 'debug', log_format: 'json' } });
    t.after(() => cluster.end());
    const lies = { 'x-forwarded-for': '203.0.113.66', forwarded: 'for=203.0.113.67' };
    const socket = new WebSocket(`${cluster.page.replace('http', 'ws')}/lobby`, { localAddress: CLIENT, headers: lies });
    t.after(() => socket.close());
    await once(socket, 'open');
    assert.deepEqual(await addresses(cluster), [['raw', CLIENT]]);
    const member = await Member.open(t, cluster.page, { transport: 'polling', extraHeaders: lies, agent: new Agent({ localAddress: CLIENT }) });
    await member.join('lobby');
    await member.say('lobby', 'here');
    assert.deepEqual(await addresses(cluster), [['raw', CLIENT], ['socketio', CLIENT]]);
  });
}
