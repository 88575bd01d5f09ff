// A node is killed in the middle of a conversation: whoever was there goes on elsewhere, hears everything once and in order, and what was
// being said is said once.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { live, until } from '../../clients/js/harness/await.js';
import { enter, record } from '../../clients/js/harness/cast.js';
import { Reader } from '../clients/harness/reader.js';
import { Member } from '../clients/harness/socketio.js';
import { Cluster } from './harness/cluster.js';

const WRITERS = 6;
const READERS = 3;
const POSTS = 60;
const KILLED_AT = 20;

for (const balancer of ['haproxy', 'nginx', 'apache']) {
  test(`${balancer}: nothing is lost with a node`, async (t) => {
    const cluster = await Cluster.start({ balancer, redis: true });
    t.after(() => cluster.end());
    const url = `${cluster.page.replace('http', 'ws')}/v1`;
    const lost = [];
    const writers = await Promise.all(Array.from({ length: WRITERS }, async (_, index) => {
      const chat = enter(t, url, { user: `writer ${index}` });
      const room = chat.join('room');
      room.on('lost', (what) => lost.push(what));
      return { chat, room: await live(room), seen: record(room) };
    }));
    const readers = await Promise.all(Array.from({ length: READERS }, async () => {
      const reader = new Reader(cluster.page, 'room');
      t.after(() => reader.source.close());
      await reader.one(({ kind }) => kind === 'joined');
      return reader;
    }));
    const member = await Member.open(t, cluster.page);

    for (let round = 0; round < POSTS; round++) {
      if (round === KILLED_AT) cluster.nodes[1].kill('SIGKILL');
      // Some of them are cut off before they are answered, and say it again elsewhere.
      await Promise.all(writers.map(({ room }, index) => room.post(`${index}:${round}`)));
    }

    const said = WRITERS * POSTS;
    const [first] = writers;
    for (const { room, seen } of writers) await until(room, 'message', () => seen.length >= said);
    const heard = first.seen.map(({ text }) => text);
    assert.equal(new Set(heard).size, said);
    for (const { seen } of writers) assert.deepEqual(seen.map(({ text }) => text), heard);
    for (const reader of readers) assert.deepEqual((await reader.messages(said)).map(({ text }) => text), heard);
    for (const index of writers.keys()) {
      const own = heard.filter((text) => text.startsWith(`${index}:`));
      assert.deepEqual(own, Array.from({ length: POSTS }, (_, round) => `${index}:${round}`));
    }
    assert.deepEqual(lost, []);
    assert.ok(writers.some(({ chat }) => chat.stats.connected > 1), 'nobody was on the node that was killed');

    await member.connected(1);
    await member.join('room');
    assert.ok((await member.say('room', 'from socket.io')).at);
  });
}
