// Events that are relayed to a room as they were said, and what is said to everybody.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { live, next } from '../../clients/js/harness/await.js';
import { enter } from '../../clients/js/harness/cast.js';
import { startServer } from '../../clients/js/harness/server.js';
import { Listener } from './harness/listener.js';
import { Member, plain } from './harness/socketio.js';

let server;
before(async () => (server = await startServer([], { socketio_relay: 'typing,draw' })));
after(() => server.stop());

/** What a member hears of an event, each time all of its arguments. */
function relayed(member, event) {
  const heard = new Listener();
  member.socket.on(event, (...said) => heard.hear(said.map(plain)));
  return heard;
}

test('an event is relayed to its room with its arguments and bytes, to the sender too', async (t) => {
  const members = await Member.everybody(t, server.page);
  const heard = members.map((member) => relayed(member, 'draw'));
  for (const member of members) await member.join('board');
  const said = (member) => [{ room: 'board', by: member.name }, [1, { two: 'three' }], 'ü', null];
  for (const member of members) member.socket.emit('draw', ...said(member), Buffer.from([0, 255]));
  const expected = members.map((member) => JSON.stringify([...said(member), [0, 255]])).sort();
  for (const [index, listener] of heard.entries()) {
    const got = await listener.until((events) => events.length >= members.length);
    assert.deepEqual(got.map((one) => JSON.stringify(one)).sort(), expected, members[index].name);
  }
});

test('who is not in the room is neither heard nor told, and what is not in the list is not relayed', async (t) => {
  const [inside, outside] = [await Member.open(t, server.page), await Member.open(t, server.page)];
  const [near, far, unlisted] = [relayed(inside, 'draw'), relayed(outside, 'draw'), relayed(inside, 'paint')];
  await inside.join('closed');
  outside.socket.emit('draw', { room: 'closed' }, 'from outside');
  await outside.join('another');
  inside.socket.emit('paint', { room: 'closed' });
  inside.socket.emit('draw', { room: 'closed' }, 'from inside');
  await near.until((heard) => heard.length > 0);
  assert.deepEqual([near.heard, far.heard, unlisted.heard], [[[{ room: 'closed' }, 'from inside']], [], []]);
});

test('typing is seen from Socket.IO in the rich protocol, and the other way round', async (t) => {
  const room = await live(enter(t, server.url, { user: 'rich' }).join('typing'));
  for (const member of await Member.everybody(t, server.page)) {
    const heard = relayed(member, 'typing');
    await member.ask('log in', { username: member.name });
    await member.join('typing');
    const signal = next(room, 'signal');
    member.socket.emit('typing', { room: 'typing', userId: member.name });
    const { user, signal: name } = await signal;
    assert.deepEqual([user, name], [member.name, 'typing']);
    await heard.until((said) => said.length >= 1);
    member.socket.close();
  }
  const member = await Member.open(t, server.page);
  const heard = relayed(member, 'typing');
  await member.join('typing');
  room.signal('typing');
  assert.deepEqual(await heard.until((said) => said.length > 0), [[{ room: 'typing', userId: 'rich' }]]);
});

test('what is said to all is told to everybody, whatever rooms they are in', async (t) => {
  const members = await Member.everybody(t, server.page);
  for (const member of members) await member.ask('all', { message: `from ${member.name}`, userId: member.name });
  const expected = members.map(({ name }) => `from ${name}`);
  for (const member of members) assert.deepEqual(await member.messages(members.length), expected, member.name);
  for (const { event } of members[0].heard) assert.equal(event, 'all');
});
