// Nodes with a balancer before them, as `cargo xtask cluster` starts them. Knows its command line and what it says, nothing of chat.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = (path) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const XTASK = process.env.XTASK_BINARY ?? root('target/debug/xtask');
const SERVER = process.env.SERVER_BINARY ?? root('target/debug/heimdallr');

/** Every configuration of deploy/ that takes clients as they come. */
export const BALANCERS = ['haproxy', 'nginx', 'nginx-ip-hash', 'apache'];

const HASTE = { drain_wait_seconds: 0, drain_seconds: 1 };

/** One of the nodes; `page` is where clients reach it by itself. */
class Node {
  constructor(number, page, pid, admin, log) {
    Object.assign(this, { number, page, pid, admin, log });
  }

  kill(signal) {
    process.kill(this.pid, signal);
  }

  /** Whether nothing listens where clients reached it. */
  refuses() {
    return fetch(this.page).then(() => false, ({ cause }) => cause.code === 'ECONNREFUSED');
  }

  /** A number that it counts, over all its threads and labels. */
  async count(metric) {
    const exposed = await (await fetch(`${this.admin}/metrics`)).text();
    const lines = exposed.split('\n').filter((line) => line.startsWith(`${metric}{`) || line.startsWith(`${metric} `));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }

  /** What its log says, line by line. */
  async lines() {
    return (await readFile(this.log, 'utf8')).split('\n').filter(Boolean);
  }
}

export class Cluster {
  nodes = [];
  #process;
  #environment;
  #revived = [];

  /** `keys` is what every node is configured with besides; by itself it takes leave at once. */
  static async start({ balancer, nodes = 3, redis = false, keys = {} }) {
    const cluster = new Cluster();
    const args = ['cluster', '--nodes', String(nodes), '--server', SERVER];
    if (balancer) args.push('--balancer', balancer);
    if (!redis) args.push('--no-redis');
    const variables = Object.entries({ ...HASTE, ...keys }).map(([key, value]) => [`HEIMDALLR_${key.toUpperCase()}`, String(value)]);
    const env = (cluster.#environment = { ...process.env, HEIMDALLR_THREADS: '2', ...Object.fromEntries(variables) });
    await cluster.#run(spawn(XTASK, args, { stdio: ['ignore', 'pipe', 'pipe'], env }));
    return cluster;
  }

  /** Where clients go. */
  get page() {
    return this.balancer;
  }

  get port() {
    return Number(new URL(this.balancer).port);
  }

  /** How often each node has counted something. */
  counts(metric) {
    return Promise.all(this.nodes.map((node) => node.count(metric)));
  }

  /** Starts a node again where it was. */
  async revive(node) {
    const args = ['--listen', new URL(node.page).host, '--admin', new URL(node.admin).host];
    if (this.redis) args.push('--redis', this.redis);
    const revived = spawn(SERVER, args, { stdio: ['ignore', 'pipe', 'ignore'], env: this.#environment });
    this.#revived.push(revived);
    node.pid = revived.pid;
    await once(createInterface({ input: revived.stdout }), 'line');
  }

  async end() {
    for (const revived of this.#revived) revived.kill('SIGKILL');
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exit = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    await exit;
  }

  async #run(process) {
    this.#process = process;
    const said = [];
    const listen = (line) => {
      said.push(line);
      this.#learn(line);
      if (line.startsWith('ready')) process.emit('ready');
    };
    for (const stream of [process.stdout, process.stderr]) createInterface({ input: stream }).on('line', listen);
    const ended = once(process, 'close').then(() => Promise.reject(new Error(`no cluster:\n${said.join('\n')}`)));
    ended.catch(() => {});
    await Promise.race([once(process, 'ready'), ended]);
  }

  #learn(line) {
    const words = line.split(/\s+/);
    const named = (name) => words[words.indexOf(name) + 1];
    if (words[0] === 'redis') [this.redis, this.redisPid] = [words[1], Number(named('pid'))];
    if (words[0] === 'balancer') this.balancer = words[1];
    if (words[0] === 'node') {
      this.nodes.push(new Node(Number(words[1]), words[2], Number(named('pid')), named('admin'), named('log')));
    }
  }
}
