// Several of our nodes beside a server of Socket.IO: each of them hears everything that it says.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Member } from '../clients/harness/socketio.js';
import { ADAPTERS, eventually, startCluster, told } from './harness/cluster.js';

const COUNT = 30;

for (const dialect of Object.keys(ADAPTERS)) {
  describe(`two nodes beside a server with the ${dialect} adapter`, () => {
    let cluster;
    before(async () => (cluster = await startCluster(dialect, 2)));
    after(() => cluster.stop());

    const open = (t, server) => Member.open(t, server.page, { version: 4, transport: 'websocket' });

    /** A member on each node, and one at the stock server, in a room whose channel every node hears. */
    async function everywhere(t, room) {
      const members = await Promise.all(cluster.nodes.map((node) => open(t, node)));
      const theirs = await open(t, cluster.stock);
      await Promise.all([...members.map((member) => member.join(room)), theirs.ask('enter', room)]);
      const probes = members.map((member) => told(member, 'probe'));
      await eventually(async () => {
        cluster.stock.io.to(room).emit('probe');
        return probes.every(({ heard }) => heard.length > 0);
      });
      return { members, theirs };
    }

    test('what is said there is one message, in one order, on all nodes', async (t) => {
      const { members } = await everywhere(t, 'one');
      const said = Array.from({ length: COUNT }, (_, number) => `${number % 3}`);
      for (const message of said) cluster.stock.io.to('one').emit('message', { userId: 'ann', message });
      cluster.stock.io.to('one').emit('message', { userId: 'ann', message: 'end' });
      for (const member of members) {
        const heard = await member.until((heard) => heard.at(-1)?.message === 'end');
        assert.deepEqual(heard.map(({ message }) => message), [...said, 'end']);
      }
      const { at } = await (await open(t, cluster.nodes[1])).join('one');
      assert.equal(at.split(':')[1], String(COUNT + 1));
    });

    test('what is said on any node is heard there once, and once on the other nodes', async (t) => {
      const { members, theirs } = await everywhere(t, 'two');
      for (let number = 0; number < COUNT; number++) await members[number % 2].say('two', `${number}`);
      const heard = await theirs.until((heard) => heard.length >= COUNT);
      assert.deepEqual(heard.map(({ message }) => Number(message)).sort((one, other) => one - other), Array.from(Array(COUNT).keys()));
      for (const member of members) assert.equal((await member.messages(COUNT)).length, COUNT);
      const drawn = [theirs, ...members].map((member) => told(member, 'draw'));
      for (const turn of [1, 2]) members[turn - 1].socket.emit('draw', { room: 'two', turn });
      const turns = (heard) => heard.map(([{ turn }]) => turn).sort();
      for (const one of drawn) assert.deepEqual(turns(await one.until((heard) => heard.length === 2)), [1, 2]);
    });

    test('clients of all nodes are found, moved and told', async (t) => {
      const { members } = await everywhere(t, 'three');
      const ids = async (room) => new Set((await cluster.stock.io.in(room).fetchSockets()).map(({ id }) => id));
      const ours = members.map(({ socket }) => socket.id);
      const found = await ids('three');
      assert.ok(ours.every((id) => found.has(id)) && found.size === 3);
      for (const id of ours) cluster.stock.io.in(id).socketsJoin('four');
      await eventually(async () => (await ids('four')).size === 2);
      const heard = members.map((member) => told(member, 'news'));
      cluster.stock.io.emit('news', 'to all');
      for (const one of heard) assert.deepEqual(await one.until((heard) => heard.length > 0), [['to all']]);
    });

    test('when one node dies the others go on, and nothing is said twice', async (t) => {
      const { members } = await everywhere(t, 'five');
      await cluster.nodes[1].kill();
      for (let number = 0; number < COUNT; number++) cluster.stock.io.to('five').emit('message', { userId: 'ann', message: `${number}` });
      assert.deepEqual(await members[0].messages(COUNT), Array.from({ length: COUNT }, (_, number) => `${number}`));
    });
  });
}
