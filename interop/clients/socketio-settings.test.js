// Stock clients of a node that answers elsewhere, under other names, and with a cookie.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startServer } from '../../clients/js/harness/server.js';
import { Member } from './harness/socketio.js';

const PATH = '/chat/';

let server;
before(async () => {
  const events = { socketio_event_join_room: 'enter', socketio_event_message: 'say', socketio_event_leave_room: '' };
  server = await startServer([], { socketio_path: PATH, socketio_cookie: 'io', ...events });
});
after(() => server.stop());

test('clients talk at another path, by events of other names', async (t) => {
  for (const member of await Member.everybody(t, server.page, { path: PATH })) {
    member.listen(['say']);
    const room = `renamed ${member.name}`;
    assert.equal((await member.ask('enter', { room })).guests, 1, member.name);
    member.socket.emit('leaveRoom', { room });
    assert.ok((await member.ask('say', { room, message: 'still here' })).at, member.name);
    assert.deepEqual(await member.messages(1), ['still here'], member.name);
  }
});

test('a polling client is given its session as a cookie', async () => {
  const answer = await fetch(`${server.page}${PATH}?EIO=4&transport=polling`);
  const { sid } = JSON.parse((await answer.text()).slice(1));
  assert.ok(answer.headers.get('set-cookie').startsWith(`io=${sid};`), answer.headers.get('set-cookie'));
});
