// The stock emitter, by which programs that serve nobody speak to clients.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Emitter } from '@socket.io/redis-emitter';
import { Member } from '../clients/harness/socketio.js';
import { eventually, plainIn, startCluster, told } from './harness/cluster.js';

let cluster, client, emitter;
before(async () => {
  cluster = await startCluster('classic');
  client = await cluster.redis.client();
  emitter = new Emitter(client);
});
after(async () => {
  client.destroy();
  await cluster.stop();
});

const open = (t) => Member.open(t, cluster.ours.page, { version: 4, transport: 'polling' });

test('the emitter reaches clients of every protocol', async (t) => {
  const member = await open(t);
  await member.join('news');
  const reader = await plainIn(t, cluster.ours, 'news');
  emitter.to('news').emit('message', { userId: 'press', message: 'read all about it' });
  assert.deepEqual(await member.messages(1), ['read all about it']);
  const [{ userId, text }] = await reader.until((heard) => heard.length === 1);
  assert.deepEqual([userId, text], ['press', 'read all about it']);
});

test('the emitter moves clients, tells those that are left, and sends them away', async (t) => {
  const [first, second] = [await open(t), await open(t)];
  await first.join('one');
  await second.join('two');
  const heard = [first, second].map((member) => told(member, 'moved'));
  emitter.in('one').socketsJoin('two');
  await eventually(async () => (await cluster.stock.io.in('two').fetchSockets()).length === 2);
  emitter.to('two').except('one').emit('moved', 'only the second');
  emitter.in('two').emit('moved', 'both');
  const said = await Promise.all(heard.map((one) => one.until((heard) => heard.at(-1)?.[0] === 'both')));
  assert.deepEqual(said.map((one) => one.flat()), [['both'], ['only the second', 'both']]);
  emitter.in('two').disconnectSockets();
  assert.deepEqual(await Promise.all([first.parted(), second.parted()]), Array(2).fill('io server disconnect'));
});
