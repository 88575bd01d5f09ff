// Requests that a balancer and a node could see differently. Whatever is hidden in one, a node takes for a request only what its balancer has: those
// say where the client is, and what was smuggled past the balancer does not.

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { Cluster } from './harness/cluster.js';

const ATTACKER = '127.0.7.66';
const VISITOR = '127.0.7.42';

const HIDDEN = 'POST /rooms/vault HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nsmuggled';
const LENGTH = HIDDEN.length;
const CHUNK = `0\r\n\r\n`;

const post = (headers, body) => `POST /rooms/front HTTP/1.1\r\nHost: a\r\n${headers}\r\n\r\n${body}${HIDDEN}`;
const upgrade = (version) =>
  `GET /front HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: ${version}\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n${HIDDEN}`;

const ATTACKS = [
  post(`Content-Length: ${CHUNK.length + LENGTH}\r\nTransfer-Encoding: chunked`, CHUNK),
  post(`Transfer-Encoding: chunked\r\nContent-Length: ${CHUNK.length + LENGTH}`, CHUNK),
  post(`Content-Length: 0\r\nContent-Length: ${LENGTH}`, ''),
  post(`Content-Length: ${LENGTH}\r\nContent-Length: 0`, ''),
  post(`Content-Length: +${LENGTH}`, ''),
  post(`Content-Length: ${CHUNK.length + LENGTH}\r\nTransfer-Encoding: xchunked`, CHUNK),
  post(`Content-Length: ${CHUNK.length + LENGTH}\r\nTransfer-Encoding : chunked`, CHUNK),
  post(`Content-Length: ${CHUNK.length + LENGTH}\r\nTransfer-Encoding: \x0bchunked`, CHUNK),
  post(`Content-Length: ${CHUNK.length + LENGTH}\r\nTransfer-Encoding: identity, chunked`, CHUNK),
  post(`Content-Length: ${CHUNK.length + LENGTH}\r\nX: y\r\n Transfer-Encoding: chunked`, CHUNK),
  post(`Content-Length: ${CHUNK.length + LENGTH}\r\nX: y\nTransfer-Encoding: chunked`, CHUNK),
  post(`Content-Length: ${CHUNK.length + LENGTH}\r\nX: y\rTransfer-Encoding: chunked`, CHUNK),
  post(`Content-Length: ${CHUNK.length + LENGTH}\r\nConnection: Content-Length`, CHUNK),
  post('Transfer-Encoding: chunked', '0;x\n\r\n\r\n'),
  post('Transfer-Encoding: chunked', '0\n\r\n'),
  post('Transfer-Encoding: chunked', `0x0\r\n\r\n`),
  post('Transfer-Encoding: chunked', `0\r\nX: y\n\r\n`),
  `GET / HTTP/1.1\r\nHost: a\r\nContent-Length: ${LENGTH}\r\n\r\n${HIDDEN}`,
  `GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: ${LENGTH}\r\nExpect: 100-continue\r\n\r\n${HIDDEN}`,
  `OPTIONS /rooms/front HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${LENGTH.toString(16)}\r\n${HIDDEN}\r\n0\r\n\r\n`,
  upgrade(12),
  upgrade(13),
];

/** Says all of it and hangs up soon after the balancer has said something, or nothing. */
function attack(port, bytes) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: ATTACKER });
    socket.on('error', () => {});
    socket.on('close', resolve);
    socket.on('data', () => setTimeout(() => socket.destroy(), 20));
    socket.setTimeout(300, () => socket.destroy());
    socket.write(bytes, 'latin1');
  });
}

/** A visitor whose connection stays, and who is answered what it has asked. */
async function visit(port, count) {
  const socket = connect({ port, host: '127.0.0.1', localAddress: VISITOR });
  let heard = '';
  socket.setEncoding('latin1').on('data', (bytes) => (heard += bytes));
  for (let number = 1; number <= count; number++) {
    socket.write(`POST /rooms/front HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi`);
    while (heard.split('HTTP/1.1 ').length <= number || !heard.endsWith('}')) await new Promise((resolve) => socket.once('data', resolve));
  }
  socket.destroy();
  return heard.split('HTTP/1.1 ').slice(1);
}

async function comers(cluster) {
  const lines = (await Promise.all(cluster.nodes.map((node) => node.lines()))).flat();
  const said = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  return said.filter(({ message }) => message === 'connect').map(({ address }) => address);
}

for (const balancer of ['haproxy', 'nginx', 'apache']) {
  test(`nothing is smuggled through ${balancer}`, async (t) => {
    const cluster = await Cluster.start({ balancer, nodes: 1, keys: { log_level: 'debug', log_format: 'json' } });
    t.after(() => cluster.end());
    await Promise.all(ATTACKS.map((bytes) => attack(cluster.port, bytes)));
    const answers = await visit(cluster.port, 10);
    for (const answer of answers) assert.match(answer, /^200 [\s\S]*\{"at":"[^"]+"\}$/);
    const addresses = new Set(await comers(cluster));
    assert.ok(addresses.has(VISITOR) && addresses.has(ATTACKER));
    addresses.delete(VISITOR);
    addresses.delete(ATTACKER);
    assert.deepEqual([...addresses], [], 'somebody has come past the balancer');
  });
}
