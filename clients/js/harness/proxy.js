// A bad network between a client and a server: cuts in the middle of a frame, refuses, freezes, swallows answers.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { freePort } from './server.js';

const UPGRADE = /^upgrade: websocket/im;

export async function startProxy(targetPort) {
  const proxy = new Proxy(await freePort(), targetPort);
  await proxy.accept();
  return proxy;
}

class Proxy {
  #target;
  #listener;
  #lines = new Set();
  #frozen = false;
  #deaf = false;
  #upgrades = true;
  #budget = Infinity;

  constructor(port, target) {
    this.port = port;
    this.#target = target;
  }

  get url() {
    return `ws://127.0.0.1:${this.port}/v1`;
  }

  get page() {
    return `http://127.0.0.1:${this.port}`;
  }

  get lineCount() {
    return this.#lines.size;
  }

  /** Takes connections (again), and carries everything. */
  async accept() {
    this.#frozen = this.#deaf = false;
    this.#budget = Infinity;
    for (const line of this.#lines) line.budget &&= Infinity;
    if (this.#listener) return;
    this.#listener = createServer((near) => this.#join(near));
    await once(this.#listener.listen(this.port, '127.0.0.1'), 'listening');
  }

  /** Cuts every line and takes no new ones. */
  async refuse() {
    const closed = this.#listener && once(this.#listener, 'close');
    this.#listener?.close();
    this.#listener = undefined;
    this.cut();
    await closed;
  }

  /** Resets every line. */
  cut() {
    for (const line of this.#lines) line.end();
  }

  /** Carries `bytes` more towards each client, then resets: in the middle of whatever that is. */
  cutAfter(bytes) {
    for (const line of this.#lines) line.budget = bytes;
  }

  /** The same for every line, also those to come, until `accept`. */
  cutEachAfter(bytes) {
    this.#budget = bytes;
    this.cutAfter(bytes);
  }

  /** Keeps every line open and carries nothing, either way. */
  freeze() {
    this.#frozen = true;
  }

  /** Carries what clients say, and no answer. */
  swallowAnswers() {
    this.#deaf = true;
  }

  /** Cuts every line on which a WebSocket is asked for. */
  refuseUpgrades() {
    this.#upgrades = false;
  }

  #join(near) {
    const far = connect(this.#target, '127.0.0.1');
    const line = { budget: this.#budget, end: () => this.#part(line, near, far) };
    this.#lines.add(line);
    near.on('data', (bytes) => this.#frozen || (this.#upgrades || !UPGRADE.test(bytes) ? far.write(bytes) : line.end()));
    far.on('data', (bytes) => this.#frozen || this.#deaf || this.#carry(line, near, bytes));
    for (const socket of [near, far]) socket.on('error', line.end).on('close', line.end).setNoDelay();
  }

  #carry(line, near, bytes) {
    const part = bytes.subarray(0, line.budget);
    line.budget -= part.length;
    near.write(part, line.budget === 0 ? line.end : undefined);
  }

  #part(line, near, far) {
    this.#lines.delete(line);
    near.resetAndDestroy();
    far.resetAndDestroy();
  }
}
