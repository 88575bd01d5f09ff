// The stock Socket.IO clients of 2.x, 3.x and 4.x in a browser, in a page of another origin.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startProxy } from '../../clients/js/harness/proxy.js';
import { startServer } from '../../clients/js/harness/server.js';
import { browserTest } from './harness/tabs.js';

// Those of 2.x poll with credentials, which only a listed origin may.
const CLIENTS = [
  { name: '2.x', bundle: 'socket.io-client-2/dist/socket.io.js', isListed: true },
  { name: '3.x', bundle: 'socket.io-client-3/dist/socket.io.js' },
  { name: '4.x', bundle: 'socket.io-client-4/dist/socket.io.js' },
  { name: '4.x with credentials', bundle: 'socket.io-client-4/dist/socket.io.js', isListed: true, withCredentials: true },
  { name: '4.x with msgpack', bundle: 'socket.io-client-4/dist/socket.io.msgpack.min.js' },
];
const TRANSPORTS = [['polling'], ['websocket'], ['polling', 'websocket']];
const SAID = ['hi 🌍', [0, 1, 255], { deep: [1, 'two'] }];

let pages;
let servers;
let proxies;
before(async () => {
  pages = await startServer();
  servers = [await startServer(), await startServer([], { socketio_origins: pages.page })];
  proxies = await Promise.all(servers.map(({ port }) => startProxy(port)));
});
after(async () => {
  await Promise.all(proxies.map((proxy) => proxy.refuse()));
  await Promise.all([pages, ...servers].map((server) => server.kill()));
});

for (const { name, bundle, isListed, withCredentials } of CLIENTS) {
  browserTest(`${name} in a browser talks over every transport, is cut and comes back`, async (open) => {
    const proxy = proxies[isListed ? 1 : 0];
    const tab = await open({ at: pages.page, path: '/healthz' });
    await tab.page.addScriptTag({ path: fileURLToPath(new URL(`../node_modules/${bundle}`, import.meta.url)) });
    for (const transports of TRANSPORTS) {
      const options = { transports, forceNew: true, reconnectionDelay: 20, reconnectionDelayMax: 50, timeout: 500 };
      await tab.evaluate(connect, [proxy.page, withCredentials ? { ...options, withCredentials } : options]);
      assert.deepEqual(await tab.evaluate(converse), SAID);
      await tab.page.waitForFunction((last) => window.socket.io.engine.transport.name === last, transports.at(-1));
      await proxy.refuse();
      await tab.page.waitForFunction(() => window.socket.disconnected);
      await proxy.accept();
      assert.deepEqual(await tab.evaluate(converse), SAID);
      await tab.evaluate(() => void window.socket.close());
    }
  });
}

// These run in the page.

function connect([address, options]) {
  const socket = window.io(address, options);
  Object.assign(window, { socket, heard: [] });
  socket.on('message', ({ message }) => window.heard.push(message));
}

/** Joins a room, says things of every kind, and resolves with what was heard. */
async function converse() {
  const { socket, heard } = window;
  const room = `room ${Math.random()}`;
  heard.length = 0;
  const ask = (...event) => new Promise((resolve) => socket.emit(...event, resolve));
  await ask('joinRoom', { room });
  const said = ['hi 🌍', new Uint8Array([0, 1, 255]).buffer, { deep: [1, 'two'] }];
  const answers = await Promise.all(said.map((message) => ask('message', { room, message })));
  if (!answers.every(({ at }) => at)) throw new Error(JSON.stringify(answers));
  await new Promise((done) => {
    const look = () => heard.length >= said.length && done();
    socket.on('message', look);
    look();
  });
  const shown = (one) => (one.byteLength ? Array.from(new Uint8Array(one.buffer ?? one, one.byteOffset, one.byteLength)) : one);
  return heard.map(shown);
}
