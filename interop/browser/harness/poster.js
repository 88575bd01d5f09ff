// People who are not in a browser: they post through the JavaScript client, or as fast as they can.

import { createRequire } from 'node:module';
import { after } from 'node:test';
import { live } from '../../../clients/js/harness/await.js';
import { Heimdallr } from '../../../clients/js/heimdallr.js';

const WebSocket = createRequire(new URL('../../../clients/js/', import.meta.url))('ws');

const everybody = [];
after(() => everybody.forEach((one) => one.close()));

/** A room somebody else is in, until `leave` or the end of the file. */
export async function joinAs(url, user, room) {
  const chat = new Heimdallr(url, { user, WebSocket, queueMax: 10_000 });
  everybody.push(chat);
  const joined = await live(chat.join(room));
  return { chat, room: joined, post: (text) => joined.post(text), leave: () => chat.close() };
}

/** Posts `rate` messages a second for some seconds; over when the server has answered them all. */
export async function flood(url, room, rate, seconds) {
  const socket = new WebSocket(url, 'heimdallr.v1.json');
  await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
  everybody.push(socket);
  const send = (command) => socket.send(JSON.stringify(command));
  send({ do: 'identify', user: 'flood' });
  send({ do: 'join', room });
  let answered = 0;
  const over = new Promise((resolve) => {
    socket.on('message', (bytes) => {
      if (/^{"is":"(accepted|refused)"/.test(bytes) && ++answered === rate * seconds) resolve();
    });
  });
  const start = performance.now();
  let sent = 0;
  while (sent < rate * seconds) {
    const due = Math.min(rate * seconds, (rate * (performance.now() - start)) / 1_000);
    for (; sent < due; sent++) send({ do: 'post', room, id: `f${sent}`, text: `message ${sent} of the flood` });
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await over;
}
