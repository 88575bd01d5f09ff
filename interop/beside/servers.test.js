// Servers of Socket.IO with the stock adapter for Redis, classic and sharded, in one cluster with ours.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Listener } from '../clients/harness/listener.js';
import { Member, plain } from '../clients/harness/socketio.js';
import { newRoom } from '../../clients/js/harness/cast.js';
import { ADAPTERS, eventually, plainIn, startCluster, told } from './harness/cluster.js';

for (const dialect of Object.keys(ADAPTERS)) {
  describe(`beside a server with the ${dialect} adapter`, () => {
    let cluster;
    before(async () => (cluster = await startCluster(dialect)));
    after(() => cluster.stop());

    const KIND = { version: 4, transport: 'websocket' };
    const here = (t, namespace = '') => Member.open(t, cluster.ours.page + namespace, KIND);
    const there = (t, namespace = '') => Member.open(t, cluster.stock.page + namespace, KIND);

    /** A client here and one there, in a room that nobody else is in. */
    async function pair(t, namespace) {
      const room = newRoom().replaceAll('/', '-');
      const [ours, theirs] = [await here(t, namespace), await there(t, namespace)];
      await ours.join(room);
      await theirs.ask('enter', room);
      await reached(room, ours, namespace);
      return { room, ours, theirs };
    }

    /** Waits until what the stock server says in a room is heard here: the sharded adapter listens to rooms one by one. */
    async function reached(room, ours, namespace = '/') {
      const probe = told(ours, 'probe');
      await eventually(async () => {
        cluster.stock.io.of(namespace).to(room).emit('probe');
        return probe.heard.length > 0;
      });
    }

    test('what is said there is a message here, to clients of every protocol', async (t) => {
      const { room, ours } = await pair(t);
      const reader = await plainIn(t, cluster.ours, encodeURIComponent(room));
      cluster.stock.io.to(room).emit('message', { userId: 'ann', message: 'hi' });
      cluster.stock.io.to(room).emit('message', { userId: '', message: { so: 1 } });
      cluster.stock.io.to(room).emit('message', { userId: 'ann', message: 'hi' });
      const said = (await ours.until((heard) => heard.length === 3)).map(({ event, ...said }) => said);
      const [first, second] = [{ userId: 'ann', message: 'hi' }, { userId: '', message: { so: 1 } }];
      assert.deepEqual(said, [first, second, first]);
      const read = await reader.until((heard) => heard.length === 3);
      assert.deepEqual(read.map(({ text, userId, so }) => [userId, text, so]), [['ann', 'hi', undefined], [undefined, undefined, 1], ['ann', 'hi', undefined]]);
      const { at } = await (await here(t)).join(room);
      assert.equal(at.split(':')[1], '3');
    });

    test('what is said here, by whatever client, is heard there', async (t) => {
      const { room, ours, theirs } = await pair(t);
      const speaker = await plainIn(t, cluster.ours, encodeURIComponent(room), String);
      await ours.ask('message', { room, userId: 'bob', message: 'hello' });
      speaker.say('plain');
      await fetch(`${cluster.ours.page}/rooms/${encodeURIComponent(room)}`, { method: 'POST', body: 'posted' });
      await ours.ask('message', { room, userId: 'bob', message: Buffer.from([1, 2]) });
      const heard = (await theirs.until((heard) => heard.length === 4)).map(({ userId, message }) => [userId, plain(message)]);
      const order = ([, one], [, other]) => String(one).localeCompare(String(other));
      assert.deepEqual(heard.sort(order), [['bob', [1, 2]], ['bob', 'hello'], ['', 'plain'], ['', 'posted']].sort(order));
    });

    test('what is tried again is told to others once', async (t) => {
      const { room, theirs } = await pair(t);
      const post = (id) =>
        fetch(`${cluster.ours.page}/rooms/${encodeURIComponent(room)}`, { method: 'POST', body: id, headers: { 'Idempotency-Key': id } });
      for (const id of ['a', 'a', 'b', 'a', 'c']) assert.equal((await post(id)).status, 200);
      assert.deepEqual((await theirs.until((heard) => heard.at(-1)?.message === 'c')).map(({ message }) => message), ['a', 'b', 'c']);
    });

    test('other events are passed on as they are, in both directions', async (t) => {
      const { room, ours, theirs } = await pair(t);
      const [heardHere, heardThere] = [told(ours, 'draw', plain), told(theirs, 'draw', plain)];
      const said = [{ room, to: [3, 4] }, null, 'ü', 1.5];
      await theirs.ask('tell', room, 'draw', ...said, Buffer.from([7]));
      assert.deepEqual((await heardHere.until((heard) => heard.length === 1))[0], [...said, [7]]);
      ours.socket.emit('draw', ...said, Buffer.from([8]));
      assert.deepEqual((await heardThere.until((heard) => heard.length === 1))[0], [...said, [8]]);
    });

    test('a message with more than we know of it is passed on as it is', async (t) => {
      const { room, ours } = await pair(t);
      const heard = told(ours, 'message');
      cluster.stock.io.to(room).emit('message', { userId: 'ann', message: 'hi', colour: 'red' });
      cluster.stock.io.to(room).emit('message', 'bare', 2);
      assert.deepEqual(await heard.until((heard) => heard.length === 2), [[{ userId: 'ann', message: 'hi', colour: 'red' }], ['bare', 2]]);
    });

    test('everybody is told what is said to everybody, in both directions', async (t) => {
      const [ours, theirs] = [await here(t), await there(t)];
      const [heardHere, heardThere] = [told(ours, 'all'), told(theirs, 'all')];
      await ours.ask('all', { userId: 'bob', message: 'from here' });
      cluster.stock.io.emit('all', { userId: 'ann', message: 'from there' });
      const fits = (from) => ([said]) => said.message === from;
      assert.deepEqual(await heardHere.one(fits('from there')), [{ userId: 'ann', message: 'from there' }]);
      assert.deepEqual(await heardThere.one(fits('from here')), [{ userId: 'bob', message: 'from here' }]);
    });

    test('a whole namespace, several rooms, all but some, and one client are told', async (t) => {
      const { room, ours } = await pair(t);
      const [other, apart] = [await here(t), await here(t, '/news')];
      await other.join(`${room} other`);
      const heard = [ours, other, apart].map((member) => told(member, 'news'));
      const { io } = cluster.stock;
      io.emit('news', 'all');
      io.to([room, `${room} other`]).emit('news', 'both');
      io.to(room).to(`${room} other`).except(room).emit('news', 'other');
      io.except(`${room} other`).emit('news', 'ours');
      io.to(ours.socket.id).emit('news', 'you');
      io.of('/news').emit('news', 'apart');
      io.emit('news', 'end');
      io.of('/news').emit('news', 'end');
      const said = await Promise.all(heard.map((one) => one.until((heard) => heard.at(-1)?.[0] === 'end')));
      assert.deepEqual(said.map((one) => one.flat()), [
        ['all', 'both', 'ours', 'you', 'end'],
        ['all', 'both', 'other', 'end'],
        ['apart', 'end'],
      ]);
    });

    test('rooms of a namespace are its own', async (t) => {
      const { room, ours, theirs } = await pair(t, '/news');
      const elsewhere = await here(t);
      await elsewhere.join(room);
      await ours.say(room, 'in the news');
      assert.deepEqual(await theirs.messages(1), ['in the news']);
      cluster.stock.io.of('/news').to(room).emit('message', { userId: 'ann', message: 'back' });
      assert.deepEqual(await ours.messages(2), ['in the news', 'back']);
      cluster.stock.io.to(room).emit('message', { userId: 'ann', message: 'elsewhere' });
      assert.deepEqual(await elsewhere.messages(1), ['elsewhere']);
      assert.equal(ours.heard.length, 2);
    });

    test('clients here are found by servers there', async (t) => {
      const { room, ours, theirs } = await pair(t);
      await ours.ask('log in', { username: 'bob' });
      const found = await cluster.stock.io.in(room).fetchSockets();
      assert.deepEqual(new Set(found.map(({ id }) => id)), new Set([ours.socket.id, theirs.socket.id]));
      const bob = found.find(({ id }) => id === ours.socket.id);
      assert.deepEqual([[...bob.rooms], bob.data], [[ours.socket.id, room], { userId: 'bob' }]);
      const [alone] = await cluster.stock.io.in(ours.socket.id).fetchSockets();
      assert.equal(alone.id, ours.socket.id);
      const ids = (await cluster.stock.io.fetchSockets()).map(({ id }) => id);
      assert.ok(ids.includes(ours.socket.id) && ids.includes(theirs.socket.id));
      assert.deepEqual(await cluster.stock.io.in('nobody is here').fetchSockets(), []);
      const heard = told(ours, 'found');
      bob.emit('found', 'you');
      assert.deepEqual(await heard.until((heard) => heard.length === 1), [['you']]);
    });

    test('clients here are made to enter rooms and to leave them', async (t) => {
      const { room, ours } = await pair(t);
      const heard = told(ours, 'message');
      cluster.stock.io.in(room).socketsJoin([`${room} a`, `${room} b`]);
      await reached(`${room} a`, ours);
      cluster.stock.io.in(`${room} a`).socketsLeave(room);
      await eventually(async () => (await cluster.stock.io.in(ours.socket.id).fetchSockets())[0].rooms.has(room) === false);
      cluster.stock.io.to(room).emit('message', { userId: '', message: 'not for you' });
      cluster.stock.io.to(`${room} a`).emit('message', { userId: '', message: 'for you' });
      assert.deepEqual(await heard.until((heard) => heard.length > 0), [[{ userId: '', message: 'for you' }]]);
    });

    test('clients here are disconnected by servers there', async (t) => {
      const [first, second] = [await pair(t), await pair(t)];
      cluster.stock.io.in(first.room).disconnectSockets();
      assert.equal(await first.ours.parted(), 'io server disconnect');
      cluster.stock.io.in(second.ours.socket.id).disconnectSockets(true);
      assert.equal(await second.ours.parted(), 'io server disconnect');
      assert.equal(first.ours.socket.active, false);
    });

    test('an application here is asked by servers there', async () => {
      assert.deepEqual(await cluster.stock.io.serverSideEmitWithAck('who', 2), [{ server: 'heimdallr', twice: 4 }]);
    });

    test('servers there are told by an application here', async (t) => {
      const heard = new Listener();
      cluster.stock.io.on('told', (...said) => heard.hear(said.map(plain)));
      const ours = await here(t);
      await ours.ask('tell servers', 1, { two: 'three' }, Buffer.from([4]));
      assert.deepEqual(await heard.until((heard) => heard.length === 1), [[1, { two: 'three' }, [4]]]);
    });

    test('what wants to be acknowledged waits for nobody here', async (t) => {
      const { room, ours, theirs } = await pair(t);
      const heard = told(ours, 'sure?');
      theirs.socket.on('sure?', (answer) => answer('yes'));
      assert.deepEqual(await cluster.stock.io.to(room).timeout(5000).emitWithAck('sure?'), ['yes']);
      assert.equal((await heard.until((heard) => heard.length === 1)).length, 1);
    });

    test('when Redis has cut everybody off, everything goes on', async (t) => {
      const { room, ours, theirs } = await pair(t);
      const client = await cluster.redis.client();
      await client.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub']);
      await client.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);
      client.destroy();
      await eventually(cluster.isWhole);
      await reached(room, ours);
      let said = 0;
      await eventually(async () => {
        await ours.say(room, `again ${++said}`);
        return theirs.heard.length > 0;
      });
      cluster.stock.io.to(room).emit('message', { userId: 'ann', message: 'here again' });
      assert.equal((await ours.one(({ userId }) => userId === 'ann')).message, 'here again');
    });
  });
}
