// An application of a Rust user, the example `chat`, before stock Socket.IO clients.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import WebSocket from 'ws';
import { example, startServer } from '../../clients/js/harness/server.js';
import { Listener } from './harness/listener.js';
import { KINDS, Member } from './harness/socketio.js';

/** Those that can say who they are when they connect. */
const SPEAKING = KINDS.filter(({ version }) => version > 2);

let server;
before(async () => (server = await startServer([], {}, example('chat'))));
after(() => server.stop());

/** Somebody who has entered by a name, and has answered the welcome. */
async function enter(t, kind, name) {
  const member = Member.start(t, server.page, { ...kind, auth: { name } });
  member.socket.on('welcome', ({ name }, answer) => {
    member.hear({ event: 'welcome', name });
    answer();
  });
  member.listen(['typing', 'gone']);
  await member.one(({ event }) => event === 'welcome');
  return member;
}

test('everybody is welcomed by name, heard in the room, and missed', async (t) => {
  const members = [];
  for (const [index, kind] of SPEAKING.entries()) members.push(await enter(t, kind, `guest-${index}`));
  const plain = new Listener();
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}/lobby`);
  socket.on('message', (text) => plain.hear(JSON.parse(String(text))));
  t.after(() => socket.close());
  await once(socket, 'open');

  for (const [index, { name, socket }] of members.entries()) {
    const answer = await new Promise((resolve) => socket.emit('say', `hi from ${name}`, resolve));
    assert.equal(answer, 'said', name);
    for (const member of members) {
      const heard = await member.one((said) => said.event === 'message' && said.message === `hi from ${name}`);
      assert.equal(heard.userId, `guest-${index}`);
    }
    const shown = await plain.one((said) => said.text === `hi from ${name}`);
    assert.equal(shown.userId, `guest-${index}`);
    socket.emit('typing');
    for (const member of members) await member.one((said) => said.event === 'typing' && said.id === socket.id);
  }

  const [first, ...others] = members;
  const { id } = first.socket;
  first.socket.disconnect();
  for (const member of others) await member.one((said) => said.event === 'gone' && said.id === id);
});

test('what is asked for wrongly is acknowledged with a refusal', async (t) => {
  const member = await enter(t, { version: 4, transport: 'websocket' }, 'zoe');
  const answer = await new Promise((resolve) => member.socket.emit('say', 42, resolve));
  assert.equal(answer.code, 'bad_request');
});

test('who does not say a name is told why it may not enter', async (t) => {
  for (const kind of SPEAKING) {
    const { socket, name } = Member.start(t, server.page, kind);
    const [error] = await once(socket, 'connect_error');
    assert.equal(error.message, 'say who you are', name);
  }
});

test('who does not answer the welcome is sent away, and does not come back', async (t) => {
  const member = Member.start(t, server.page, { auth: { name: 'silent' } });
  const [why] = await once(member.socket, 'disconnect');
  assert.equal(why, 'io server disconnect');
});
