// A cluster of one Redis, a server of Socket.IO with the stock adapter, and ours beside it.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { createAdapter, createShardedAdapter } from '@socket.io/redis-adapter';
import { createClient } from 'redis';
import { Server } from 'socket.io';
import WebSocket from 'ws';
import { example, freePort, startServer } from '../../../clients/js/harness/server.js';
import { Listener, PATIENCE_MS } from '../../clients/harness/listener.js';

export const ADAPTERS = { classic: createAdapter, sharded: createShardedAdapter };

/** What clients of the stock server can say: they enter and leave rooms, and speak in them. */
const WORDS = {
  enter: (socket, room) => socket.join(room),
  quit: (socket, room) => socket.leave(room),
  tell: (socket, room, ...event) => socket.to(room).emit(...event),
};

class Redis {
  static async start() {
    const redis = new Redis();
    redis.port = await freePort();
    redis.url = `redis://127.0.0.1:${redis.port}`;
    const args = ['--port', redis.port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    redis.process = spawn('redis-server', args.map(String), { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface({ input: redis.process.stdout });
    await new Promise((resolve) => lines.on('line', (line) => line.includes('Ready to accept connections') && resolve()));
    return redis;
  }

  async client() {
    const client = createClient({ url: this.url });
    client.on('error', () => {});
    await client.connect();
    return client;
  }

  async stop() {
    const exit = once(this.process, 'exit');
    this.process.kill('SIGTERM');
    await exit;
  }
}

/** A server of Socket.IO as a team has it. */
export class Stock {
  static async start(redis, dialect) {
    const stock = new Stock();
    stock.clients = [await redis.client(), await redis.client()];
    stock.http = createServer();
    stock.io = new Server(stock.http);
    stock.io.adapter(ADAPTERS[dialect](...stock.clients));
    for (const namespace of ['/', '/news']) {
      stock.io.of(namespace).on('connection', (socket) => {
        for (const [word, act] of Object.entries(WORDS)) {
          socket.on(word, async (...said) => {
            const done = said.pop();
            await act(socket, ...said);
            done();
          });
        }
      });
    }
    await once(stock.http.listen(0, '127.0.0.1'), 'listening');
    stock.page = `http://127.0.0.1:${stock.http.address().port}`;
    return stock;
  }

  async stop() {
    await this.io.close();
    // The adapters unsubscribe when the server closes: that is waited for.
    await Promise.all(this.clients.map((client) => client.close()));
  }
}

/** Redis, a stock server, and some of ours: an application with a handler for what servers say. One stands alone but for the stock server. */
export async function startCluster(dialect, count = 1) {
  const redis = await Redis.start();
  const stock = await Stock.start(redis, dialect);
  const shared = count > 1 ? { redis: redis.url, cluster_secret: 'a secret of many words' } : { socketio_adapter_redis: redis.url };
  const keys = { socketio_adapter: dialect, socketio_namespaces: '/news', socketio_relay: 'draw', ...shared };
  const nodes = await Promise.all(Array.from({ length: count }, () => startServer([], keys, example('beside'))));
  const stop = async () => {
    await Promise.all(nodes.map((node) => node.stop()));
    await stock.stop();
    await redis.stop();
  };
  const isWhole = async () => (await stock.io.of('/news').adapter.serverCount()) === 1 + count;
  // The nodes are in the cluster as soon as the others count them.
  await eventually(isWhole);
  return { redis, stock, nodes, ours: nodes[0], isWhole, stop };
}

/** Waits until something asked again and again holds. */
export async function eventually(holds) {
  const end = Date.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not within ${PATIENCE_MS} ms: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A plain WebSocket in a room, which remembers what it hears; `read` says what becomes of a text. */
export async function plainIn(test, server, room, read = JSON.parse) {
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}/${room}`);
  test.after(() => socket.terminate());
  const plain = Object.assign(new Listener(), { say: (text) => socket.send(text) });
  socket.on('message', (bytes, isBinary) => plain.hear(isBinary ? [...bytes] : read(String(bytes))));
  await once(socket, 'open');
  return plain;
}

/** Everything that a client is told of an event, each time all of its arguments. */
export function told(member, event, read = (value) => value) {
  const heard = new Listener();
  member.socket.on(event, (...said) => heard.hear(said.map(read)));
  return heard;
}
