// Stock Socket.IO clients of 2.x, 3.x and 4.x over every transport, in one room with each other and with a plain WebSocket.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import WebSocket from 'ws';
import { startServer } from '../../clients/js/harness/server.js';
import { Listener } from './harness/listener.js';

const require = createRequire(import.meta.url);

const CLIENTS = { 2: 'socket.io-client-2', 3: 'socket.io-client-3', 4: 'socket.io-client-4' };
const TRANSPORTS = { polling: ['polling'], websocket: ['websocket'], upgrading: ['polling', 'websocket'] };

let server;
before(async () => (server = await startServer(['--ping-interval', '1'])));
after(() => server.stop());

class Member extends Listener {
  constructor(version, transport) {
    super();
    const client = require(CLIENTS[version]);
    this.name = `${version} ${transport}`;
    const options = { transports: TRANSPORTS[transport], forceNew: true, reconnection: false };
    this.socket = (client.io ?? client)(`http://127.0.0.1:${server.port}`, options);
    for (const event of ['message', 'new message', 'lost']) {
      this.socket.on(event, (said) => this.hear({ event, ...said }));
    }
    this.parted = new Promise((resolve) => this.socket.on('disconnect', resolve));
  }

  static async open(version, transport) {
    const member = new Member(version, transport);
    await new Promise((resolve, reject) => {
      for (const failed of ['connect_error', 'error']) member.socket.on(failed, reject);
      member.socket.on('connect', resolve);
    });
    return member;
  }

  ask(...event) {
    return new Promise((resolve, reject) => {
      this.parted.then((why) => reject(new Error(`${this.name} was parted with: ${why}`)));
      this.socket.emit(...event, resolve);
    });
  }

  get transport() {
    return this.socket.io.engine.transport.name;
  }
}

const everybody = () =>
  Promise.all(
    Object.keys(CLIENTS).flatMap((version) =>
      Object.keys(TRANSPORTS).map((transport) => Member.open(version, transport)),
    ),
  );

test('everybody in a room is told the same in the same order, whatever client and transport', async () => {
  const members = await everybody();
  for (const member of members) {
    const joined = await member.ask('joinRoom', { room: 'lobby' });
    assert.match(joined.at, /^\w+:\d+$/, member.name);
    assert.deepEqual(joined.present, []);
  }
  const plain = new WebSocket(`ws://127.0.0.1:${server.port}/lobby`);
  const heard = new Listener();
  plain.on('message', (bytes, isBinary) => heard.hear(isBinary ? [...bytes] : String(bytes)));
  await once(plain, 'open');
  const accepted = await Promise.all(
    members.map((member) => member.ask('message', { room: 'lobby', userId: member.name, message: `from ${member.name} 🌍` })),
  );
  assert.equal(new Set(accepted.map(({ at }) => at)).size, members.length);
  plain.send('from a plain room');
  const count = members.length + 1;
  const first = await members[0].until((said) => said.length >= count);
  assert.ok(first.some((said) => said.message === 'from a plain room' && said.userId === ''));
  for (const member of members) {
    assert.deepEqual(await member.until((said) => said.length >= count), first, member.name);
  }
  const shown = await heard.until((said) => said.length >= count);
  assert.deepEqual(shown.map((said) => said.startsWith('{') ? JSON.parse(said).text : said), first.map((said) => said.message));
  for (const member of members) member.socket.close();
  plain.close();
});

test('bytes stay bytes and JSON stays JSON', async () => {
  const members = await everybody();
  for (const member of members) await member.ask('joinRoom', { room: 'bytes' });
  await members[0].ask('message', { room: 'bytes', userId: 'a', message: Buffer.from([0, 1, 255]) });
  await members[8].ask('message', { room: 'bytes', userId: 'b', message: { deep: [1, 'two'] } });
  for (const member of members) {
    const [bytes, json] = await member.until((said) => said.length >= 2);
    assert.deepEqual([...Buffer.from(bytes.message)], [0, 1, 255], member.name);
    assert.deepEqual(json.message, { deep: [1, 'two'] }, member.name);
    member.socket.close();
  }
});

test('a direct message reaches every device of its user and nobody else', async () => {
  const [phone, laptop, other] = await Promise.all([
    Member.open(4, 'polling'), Member.open(2, 'websocket'), Member.open(3, 'upgrading'),
  ]);
  await phone.ask('log in', { username: 'alice' });
  await laptop.ask('log in', { username: 'alice' });
  await other.ask('log in', { username: 'bob' });
  await other.ask('send message', { username: 'alice', message: 'psst' });
  for (const device of [phone, laptop]) {
    assert.deepEqual(await device.until((said) => said.length > 0), [{ event: 'new message', username: 'bob', message: 'psst' }]);
  }
  assert.deepEqual(other.heard, []);
  assert.equal((await other.ask('send message', { username: 'nobody', message: 'x' })).code, 'no_such_user');
  for (const member of [phone, laptop, other]) member.socket.close();
});

test('what cannot be done is said by its code, and the client stays', async () => {
  const member = await Member.open(4, 'upgrading');
  assert.equal((await member.ask('message', { room: 'elsewhere', userId: 'a', message: 'x' })).code, 'not_joined');
  assert.equal((await member.ask('joinRoom', { room: '' })).code, 'bad_name');
  assert.equal((await member.ask('joinRoom', 7)).code, 'bad_request');
  await member.ask('joinRoom', { room: 'lobby' });
  assert.deepEqual(await member.ask('leaveRoom', { room: 'lobby' }), {});
  member.socket.close();
});

test('clients that say nothing stay as long as they answer, and move to the WebSocket', async () => {
  const members = await everybody();
  const parted = members.map((member) => member.parted.then((why) => `${member.name}: ${why}`));
  const quiet = new Promise((resolve) => setTimeout(resolve, 4000, 'nobody'));
  assert.equal(await Promise.race([quiet, ...parted]), 'nobody');
  for (const member of members) {
    assert.equal(member.transport, member.name.endsWith('polling') ? 'polling' : 'websocket', member.name);
    member.socket.close();
  }
});
