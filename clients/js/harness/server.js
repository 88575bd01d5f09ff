// Starts the real server for a test and ends it again. Knows the command line, nothing of chat.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const BINARY = process.env.SERVER_BINARY ?? fileURLToPath(new URL('../../../target/debug/heimdallr', import.meta.url));
const PORTS = { first: Number(process.env.PORTS_FIRST ?? 22_000), count: 1_000 };

/** Where ports are claimed: nothing that is tested listens on this address of the loopback. */
const CLAIMS = '127.0.0.2';

/** Tests say in a second what people say in an hour. */
const UNBOUND = { HEIMDALLR_SESSION_POSTS_PER_SECOND: '0' };
/** Nobody has to notice that a server of a test goes away. */
const AT_ONCE = { HEIMDALLR_DRAIN_WAIT_SECONDS: '0' };

/** An example of the server's crate, built beside it. */
export const example = (name) => `${dirname(BINARY)}/examples/${name}`;

/** A server on loopback; `extra` are further arguments of its command line, `keys` what else is configured, `program` another one to be it. */
export async function startServer(extra = [], keys = {}, program = BINARY) {
  const server = new Server(await freePort(), await freePort(), extra, keys, program);
  await server.start();
  return server;
}

/** A port nobody listens on, and that no other test is given as long as this process lives. */
export async function freePort() {
  for (let tries = 0; tries < 100; tries++) {
    const port = PORTS.first + Math.floor(Math.random() * PORTS.count);
    if (await isClaimed(port) && await isFree(port)) return port;
  }
  throw new Error('no free port');
}

class Server {
  #process;
  #program;
  #extra;
  #environment;

  constructor(port, adminPort, extra, keys, program) {
    Object.assign(this, { port, adminPort });
    this.#program = program;
    this.#extra = extra;
    const variables = Object.entries(keys).map(([key, value]) => [`HEIMDALLR_${key.toUpperCase()}`, String(value)]);
    this.#environment = { ...process.env, ...AT_ONCE, ...UNBOUND, ...Object.fromEntries(variables) };
  }

  get page() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Where operators look. */
  get admin() {
    return `http://127.0.0.1:${this.adminPort}`;
  }

  get url() {
    return `ws://127.0.0.1:${this.port}/v1`;
  }

  async start() {
    const args = ['--listen', `127.0.0.1:${this.port}`, '--admin', `127.0.0.1:${this.adminPort}`];
    args.push('--threads', '2', ...this.#extra);
    this.#process = spawn(this.#program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: this.#environment });
    await this.#listening();
  }

  /** Without a word to anybody. */
  async kill() {
    await this.#end('SIGKILL');
  }

  /** Politely: clients are told. Resolves with the exit code. */
  async stop() {
    return this.#end('SIGTERM');
  }

  async #end(signal) {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const exit = once(this.#process, 'exit');
      this.#process.kill(signal);
      await exit;
    }
    return this.#process.exitCode;
  }

  async #listening() {
    const said = [];
    const lines = (stream) => {
      createInterface({ input: stream }).on('line', (line) => {
        said.push(line);
        if (line.includes('listening on') && line.includes(String(this.port))) this.#process.emit('listening');
      });
    };
    lines(this.#process.stdout);
    lines(this.#process.stderr);
    const ended = once(this.#process, 'exit').then(() => Promise.reject(new Error(`ended early:\n${said.join('\n')}`)));
    ended.catch(() => {});
    await Promise.race([once(this.#process, 'listening'), ended]);
  }
}

/** Whether it is ours from now on. */
async function isClaimed(port) {
  const claim = await listen(port, CLAIMS);
  claim?.unref();
  return claim !== undefined;
}

async function isFree(port) {
  const probe = await listen(port, '127.0.0.1');
  probe?.close();
  return probe !== undefined;
}

/** `undefined` where somebody listens already. */
async function listen(port, host) {
  const listener = createServer();
  try {
    await once(listener.listen(port, host), 'listening');
    return listener;
  } catch {
    return undefined;
  }
}
