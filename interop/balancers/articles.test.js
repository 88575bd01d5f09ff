// What the founding articles do by hand: three servers with a Redis between them, one client on each and one through nginx, rooms, everybody
// and one user.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { Member } from '../clients/harness/socketio.js';
import { Cluster } from './harness/cluster.js';
import { soon } from './harness/soon.js';

const VERSIONS = [2, 3, 4];

let cluster;
before(async () => (cluster = await Cluster.start({ balancer: 'nginx', redis: true })));
after(() => cluster?.end());

/** What redis-cli answers. */
async function redis(...command) {
  const { stdout } = await promisify(execFile)('redis-cli', ['-u', cluster.redis, ...command]);
  return stdout.split('\n').filter(Boolean);
}

/** One client on each node by itself, and one that nginx sends anywhere. */
const onEachNode = (t, version) =>
  Promise.all([...cluster.nodes, cluster].map(({ page }) => Member.open(t, page, { version })));

for (const version of VERSIONS) {
  test(`clients of ${version}.x on three servers share rooms, everybody and users`, async (t) => {
    const [one, two, three, anywhere] = await onEachNode(t, version);
    const room = `room of ${version}`;
    for (const member of [one, two, anywhere]) await member.join(room);
    await three.join(`${room} b`);

    // message {room, userId, message}: the room is told, its author included, and nobody else.
    assert.match((await one.ask('message', { room, userId: 'ann', message: 'hello' })).at, /:1$/);
    const said = { event: 'message', userId: 'ann', message: 'hello' };
    for (const member of [one, two, anywhere]) assert.deepEqual(await member.until((heard) => heard.length), [said], member.name);

    // all {message}: everybody is told, wherever they are. Who is told it has been told everything before it.
    assert.ok((await two.ask('all', { message: 'to all' })).at);
    for (const member of [one, two, three, anywhere]) await member.one(({ event, message }) => event === 'all' && message === 'to all');
    assert.deepEqual(three.heard.filter(({ event }) => event === 'message'), []);

    // log in {username}, send message {username, message}: the user is told, and nobody else.
    const [ann, bob] = [`ann ${version}`, `bob ${version}`];
    await one.ask('log in', { username: ann });
    await three.ask('log in', { username: bob });
    await two.ask('log in', { username: bob });
    assert.ok((await one.ask('send message', { username: bob, message: 'psst' })).at);
    for (const device of [three, two]) {
      const direct = await device.one(({ event }) => event === 'new message');
      assert.deepEqual(direct, { event: 'new message', username: ann, message: 'psst' });
    }
    assert.ok([one, anywhere].every(({ heard }) => heard.every(({ event }) => event !== 'new message')));
    assert.equal((await one.ask('send message', { username: 'nobody', message: 'x' })).code, 'no_such_user');

    // user:NAME says which nodes a user is on, and with how many devices.
    for (const [name, nodes] of [[ann, 1], [bob, 2]]) {
      const told = async () => (await redis('HVALS', `user:${name}`)).join();
      await soon(async () => (await told()) === Array(nodes).fill('1').join(), `${name} is on ${nodes} nodes`);
    }
    assert.deepEqual(await redis('KEYS', 'user:nobody'), []);
  });
}

test('users are gone from the map when they have gone', async (t) => {
  const member = await Member.open(t, cluster.nodes[0].page);
  await member.ask('log in', { username: 'carol' });
  const devices = async () => (await redis('HVALS', 'user:carol')).join();
  await soon(async () => (await devices()) === '1', 'carol has one device');
  const second = await Member.open(t, cluster.nodes[0].page);
  await second.ask('log in', { username: 'carol' });
  await soon(async () => (await devices()) === '2', 'carol has two on the same node');
  second.socket.disconnect();
  await soon(async () => (await devices()) === '1', 'one of them has left');
  member.socket.disconnect();
  await soon(async () => (await redis('EXISTS', 'user:carol'))[0] === '0', 'carol is gone');
});
