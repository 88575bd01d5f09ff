// Who keeps a cluster busy while pictures are taken: members of the load generator, who come and go, and some people with names.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';
import { BINARY } from '../../../clients/js/harness/server.js';
import { joinAs } from '../../browser/harness/poster.js';

const GENERATOR = process.env.LOADGEN_BINARY ?? `${dirname(BINARY)}/heimdallr-loadgen`;

const PEOPLE = {
  bifröst: ['Freyja', 'Njörðr', 'Sif', 'مريم', 'Iðunn'],
  valhalla: ['Baldr', 'Bragi', 'Þórr', 'Freyja'],
  lobby: ['Frigg', 'Loki', 'Ullr', 'Sif', 'Vör', 'Eir'],
};
const SAID = ['Good morning.', 'Who is on call today?', 'The second node took over, and nobody noticed.', 'Positions are without a gap.', 'Coffee?', 'صباح الخير!', 'Fifteen thousand, most of them asleep.'];
const MISCHIEF = 8;

const seconds = (count) => new Promise((done) => setTimeout(done, count * 1_000));

/** Who is there during a cluster's minutes: steady rooms over each protocol, a crowd that comes and goes, a launch at which some read slowly. */
export class Crowd {
  #generators = [];
  #isOver = false;

  constructor(cluster, lasts) {
    this.cluster = cluster;
    const [whole, part] = [{ lasts: lasts * 2 }, { from: lasts / 6, lasts: lasts / 2 }];
    this.here = Promise.all([
      this.#load({ protocol: 'v1', rooms: 8, size: 10, rate: 16, prefix: 'team-', ...whole }),
      this.#load({ protocol: 'socketio', rooms: 6, size: 10, rate: 12, prefix: 'support-', ...whole }),
      this.#load({ protocol: 'sse', rooms: 4, size: 8, rate: 4, prefix: 'ticker-', ...part }),
      this.#load({ protocol: 'v1', rooms: 1, size: 40, rate: 10, prefix: 'launch-', from: lasts / 2, lasts: lasts / 5, besides: ['--payload', '16000', '--stalled', '2'] }),
      this.#talk(lasts),
    ]);
    // Told to who waits for its end.
    this.here.catch(() => {});
  }

  /** Ends what goes on, and says what went wrong meanwhile. */
  async leave() {
    this.#isOver = true;
    for (const generator of this.#generators) generator.kill();
    await this.here;
  }

  /** Members of the generator, spread over the nodes, for some seconds from a moment on. */
  async #load({ protocol, rooms, size, rate, prefix, from = 0, lasts, besides = [] }) {
    await seconds(from);
    if (this.#isOver) return;
    const targets = this.cluster.nodes.flatMap(({ page }) => ['--target', new URL(page).host]);
    const options = { protocol, rooms, 'room-size': size, publishers: rooms, rate, 'room-prefix': prefix, duration: lasts, 'warm-up': 0, drain: 1 };
    const words = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const generator = spawn(GENERATOR, ['load', ...targets, ...words, ...besides], { stdio: ['ignore', 'ignore', 'inherit'] });
    this.#generators.push(generator);
    const [code] = await once(generator, 'exit');
    // Where some do not read, not everything arrives.
    assert.ok(this.#isOver || code === 0 || besides.length, `the generator ended with ${code}`);
  }

  /** People in their rooms, who say something now and then; one of them for a while where he is not. */
  async #talk(lasts) {
    const nodes = this.cluster.nodes.map(({ page }) => `${page.replace('http', 'ws')}/v1`);
    const people = [];
    for (const [room, names] of Object.entries(PEOPLE)) {
      for (const [place, name] of names.entries()) people.push([name, await joinAs(nodes[place % nodes.length], name, room)]);
      await joinAs(nodes[0], undefined, room);
    }
    for (let turn = 0; !this.#isOver; turn++) {
      const [name, { post, chat }] = people[(turn * 7) % people.length];
      if (chat.state.name === 'closed') return;
      await post(SAID[turn % SAID.length]);
      const isMischievous = name === 'Loki' && turn > lasts / 4 && turn < lasts / 2;
      for (let n = 0; isMischievous && n < MISCHIEF; n++) chat.send({ do: 'post', room: 'elsewhere', id: `${turn}-${n}`, text: 'Let me in.' });
      await seconds(1);
    }
  }
}
