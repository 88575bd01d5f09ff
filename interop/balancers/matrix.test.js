// Every client through every balancer, kept with no node unless the balancer does it of itself: nobody sees that there are several.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';
import { live, until } from '../../clients/js/harness/await.js';
import { enter, record } from '../../clients/js/harness/cast.js';
import { Listener } from '../clients/harness/listener.js';
import { python } from '../clients/harness/python.js';
import { Reader } from '../clients/harness/reader.js';
import { Member, plain } from '../clients/harness/socketio.js';
import { BALANCERS, Cluster } from './harness/cluster.js';

const PYTHON = fileURLToPath(new URL('../clients/python/socketio_rooms.py', import.meta.url));
const HELD = [
  'share_a_room', 'say_much_at_once', 'leave_and_be_refused', 'write_to_one_user',
  'speak_in_two_namespaces', 'pass_events_on', 'stay_while_quiet', 'come_back_after_a_cut',
];
const HEARTBEATS = 3;
const BURST = 40;
const LARGE = 40_000;
/** Names as they may be written in a path: what is percent-encoded stays so on the way. */
const NAMES = ['plain', 'gr%C3%BC%C3%9Fe', 'a%2Fb', '100%25', 'a%20b', "it's%20(a)%20%22name%22", 'q%3Fx%3D1%23'];

// Pings come often enough that who does not answer them is parted with before a test is over.
const KEYS = { ping_interval: 1, ping_timeout: 2, socketio_namespaces: '/news', socketio_relay: 'draw' };
const TOPOLOGY = { nodes: 3, redis: true, keys: KEYS };

for (const balancer of BALANCERS) {
  describe(balancer, () => {
    let cluster;
    before(async () => (cluster = await Cluster.start({ balancer, ...TOPOLOGY })));
    after(() => cluster?.end());

    const socketOf = async (t, path) => {
      const heard = new Listener();
      heard.socket = new WebSocket(`${cluster.page.replace('http', 'ws')}/${path}`);
      heard.socket.on('message', (bytes, isBinary) => heard.hear(isBinary ? [...bytes] : String(bytes)));
      t.after(() => heard.socket.close());
      await once(heard.socket, 'open');
      return heard;
    };
    const post = async (room, text) => {
      const answer = await fetch(`${cluster.page}/rooms/${room}`, { method: 'POST', body: text });
      assert.equal(answer.status, 200);
      return (await answer.json()).at;
    };
    const readerOf = (t, room, since) => {
      const reader = new Reader(cluster.page, room, since);
      t.after(() => reader.source.close());
      return reader;
    };

    test('everybody in a room is told the same in the same order, whatever they speak', async (t) => {
      const members = await Member.everybody(t, cluster.page);
      for (const member of members) await member.join('lobby');
      const rich = enter(t, `${cluster.page.replace('http', 'ws')}/v1`, { user: 'rich' });
      const room = await live(rich.join('lobby'));
      const shown = record(room);
      const reader = readerOf(t, 'lobby');
      await reader.one(({ kind }) => kind === 'joined');
      // Who has heard itself is in.
      const simple = await socketOf(t, 'lobby');
      simple.socket.send('hello');
      await simple.until((heard) => heard.length);
      const said = members.map((member) => member.say('lobby', `from ${member.name} 🌍`));
      const accepted = await Promise.all([...said, post('lobby', 'over http').then((at) => ({ at }))]);
      assert.equal(new Set(accepted.map(({ at }) => at)).size, members.length + 1);
      simple.socket.send('from a plain room');
      const count = members.length + 3;
      const first = await members[0].messages(count);
      for (const member of members) assert.deepEqual(await member.messages(count), first, member.name);
      assert.deepEqual((await reader.messages(count)).map(({ text }) => text), first);
      await simple.until((heard) => heard.length >= count);
      assert.deepEqual(simple.heard.map((text) => (text.startsWith('{') ? JSON.parse(text).text : text)), first);
      await until(room, 'message', () => shown.length >= count);
      assert.deepEqual(shown.map(({ text }) => text), first);
    });

    test('bytes, JSON and what is long come through as they were said', async (t) => {
      const members = await Member.everybody(t, cluster.page);
      for (const member of members) await member.join('bytes');
      const expected = [];
      for (const [index, member] of members.entries()) {
        const said = [Buffer.from([0, 1, 255, index]), { deep: [index, 'two'] }, Buffer.alloc(LARGE, index)];
        for (const message of said) await member.say('bytes', message);
        expected.push(...said.map(plain));
      }
      for (const member of members) assert.deepEqual(await member.messages(expected.length), expected, member.name);
    });

    test('what is said at once is acknowledged and heard in order', async (t) => {
      const texts = Array.from({ length: BURST }, (_, index) => `${index}`);
      const members = await Member.everybody(t, cluster.page);
      await Promise.all(members.map(async (member) => {
        const room = `burst ${member.name}`;
        await member.join(room);
        const answers = await Promise.all(texts.map((text) => member.say(room, text)));
        assert.deepEqual(answers.map(({ at }) => Number(at.split(':')[1])), texts.map((_, index) => index + 1), member.name);
        assert.deepEqual(await member.messages(BURST), texts, member.name);
      }));
    });

    test('a direct message reaches every device of its user', async (t) => {
      const devices = await Member.everybody(t, cluster.page);
      const bob = await Member.open(t, cluster.page);
      for (const device of devices) await device.ask('log in', { username: 'alice' });
      await bob.ask('log in', { username: 'bob' });
      assert.ok((await bob.ask('send message', { username: 'alice', message: 'psst' })).at);
      for (const device of devices) assert.deepEqual(await device.messages(1), ['psst'], device.name);
    });

    test('who says nothing stays, over polls, WebSockets and after moving from the one to the other', async (t) => {
      const members = await Member.everybody(t, cluster.page);
      await Promise.all(members.map((member) => member.heartbeats(HEARTBEATS)));
      for (const member of members) assert.deepEqual([member.fate.heard, member.carrier], [['connected'], member.ends], member.name);
    });

    test('readers of events hear at once, and go on where they were cut off', async (t) => {
      const reader = readerOf(t, 'news');
      await reader.one(({ kind }) => kind === 'joined');
      const first = await post('news', 'one');
      assert.deepEqual((await reader.messages(1)).map(({ id }) => id), [first]);
      reader.source.close();
      const rest = [await post('news', 'two'), await post('news', 'three')];
      const again = readerOf(t, 'news', first);
      assert.deepEqual((await again.messages(2)).map(({ id }) => id), rest);
    });

    test('a room is the same however its name is written', async (t) => {
      for (const name of NAMES) {
        const socket = await socketOf(t, name);
        const reader = readerOf(t, name);
        const { room } = await reader.one(({ kind }) => kind === 'joined');
        assert.equal(room, decodeURIComponent(name));
        await post(name, 'over http');
        assert.equal(JSON.parse((await socket.until((heard) => heard.length))[0]).text, 'over http', name);
        await reader.messages(1);
        reader.source.close();
      }
    });

    for (const transports of [['polling'], ['websocket'], ['polling', 'websocket']]) {
      const name = transports.join(', then ');
      test(`python-socketio over ${name}`, async (t) => {
        const neighbour = await Member.open(t, cluster.page);
        await neighbour.join(name);
        const program = spawn(await python(), [PYTHON, cluster.page, name, ...transports], { stdio: ['ignore', 'pipe', 'inherit'] });
        t.after(() => program.kill());
        const held = [];
        createInterface({ input: program.stdout }).on('line', (line) => {
          if (line === 'quiet') neighbour.heartbeats(HEARTBEATS).then(() => neighbour.say(name, 'still there?'));
          // Cutting is for the tests of the network.
          else if (line === 'cut') program.kill();
          else held.push(line);
        });
        await once(program, 'close');
        assert.deepEqual(held, HELD.slice(0, -1));
      });
    }
  });
}
