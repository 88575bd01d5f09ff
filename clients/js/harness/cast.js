// The people of a test: clients that are closed when it ends, rooms nobody else uses.

import WebSocket from 'ws';
import { Heimdallr } from '../heimdallr.js';

const QUICK = { WebSocket, delayMinMs: 20, delayMaxMs: 200 };
let rooms = 0;

/** A client that reconnects quickly and leaves with its test. */
export function enter(test, url, options) {
  const chat = new Heimdallr(url, { ...QUICK, ...options });
  test.after(() => chat.close());
  return chat;
}

/** A name no other test uses. */
export function newRoom() {
  return `room ${process.pid}/${++rooms} ü`;
}

/** What a room shows, as it is shown. */
export function record(room) {
  const messages = [];
  room.on('message', (message) => messages.push(message));
  return messages;
}
