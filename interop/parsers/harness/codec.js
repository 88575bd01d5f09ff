// Our codec as a program that is asked line by line (`crates/wire/examples/codec.rs`).

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const BUILD = ['build', '--quiet', '--package', 'heimdallr-wire', '--example', 'codec'];

/** Builds the program if need be, and starts it. */
export async function startCodec() {
  await promisify(execFile)('cargo', BUILD, { cwd: ROOT });
  return new Codec(spawn(`${ROOT}/target/debug/examples/codec`, { stdio: ['pipe', 'pipe', 'inherit'] }));
}

class Codec {
  #process;
  #waiting = [];

  constructor(process) {
    this.#process = process;
    createInterface({ input: process.stdout }).on('line', (line) => this.#waiting.shift()(JSON.parse(line)));
  }

  /** Resolves with what it answers: `messages`, a `packet`, or a `fault`. */
  ask(task, about) {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#process.stdin.write(`${JSON.stringify({ [task]: about })}\n`);
    });
  }

  async stop() {
    const exit = once(this.#process, 'exit');
    this.#process.stdin.end();
    await exit;
  }
}

/** Text or bytes as the program takes them. */
export const message = (content) =>
  typeof content === 'string' ? { text: content } : { base64: Buffer.from(content).toString('base64') };

/** Text or bytes as the program gives them. */
export const content = ({ text, base64 }) => text ?? Buffer.from(base64, 'base64');
