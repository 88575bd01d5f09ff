// Tokens made by `jose` and by PyJWT, shown by stock clients.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { exportJWK, exportPKCS8, exportSPKI, generateKeyPair, SignJWT } from 'jose';
import WebSocket from 'ws';
import { startServer } from '../../clients/js/harness/server.js';
import { Heimdallr } from '../../clients/js/heimdallr.js';
import { Listener } from './harness/listener.js';
import { python } from './harness/python.js';

const require = createRequire(import.meta.url);
const PROGRAM = fileURLToPath(new URL('python/tokens.py', import.meta.url));
const ALGORITHMS = ['RS256', 'ES256', 'EdDSA'];
const SECRET = 'a secret that is as long as its hash, or longer';

let folder;
before(async () => (folder = await mkdtemp(join(tmpdir(), 'heimdallr-tokens-'))));
after(() => rm(folder, { recursive: true }));

const anHour = () => Math.floor(Date.now() / 1000) + 3600;

async function file(name, contents) {
  const path = join(folder, name);
  await writeFile(`${path}.next`, contents);
  await rename(`${path}.next`, path);
  return path;
}

/** Tokens that PyJWT makes. */
async function madeInPython(asked) {
  const program = spawn(await python(), [PROGRAM], { stdio: ['pipe', 'pipe', 'inherit'] });
  program.stdin.end(asked.map((one) => JSON.stringify(one)).join('\n'));
  const [said] = await Promise.all([text(program.stdout), once(program, 'exit')]);
  return said.trim().split('\n');
}

/** What a server says to who identifies with this token. */
async function identify(server, token) {
  const socket = new WebSocket(server.url, 'heimdallr.v1.json');
  const heard = new Listener();
  socket.on('message', (data) => heard.hear(JSON.parse(data)));
  await once(socket, 'open');
  socket.send(JSON.stringify({ do: 'identify', token }));
  const [answer] = await heard.until((said) => said.length > 0);
  socket.close();
  return answer.is === 'welcome' ? answer.user : answer.code;
}

async function withServer(test, keys) {
  const server = await startServer([], keys);
  test.after(() => server.stop());
  return server;
}

for (const algorithm of ALGORITHMS) {
  test(`${algorithm}: tokens of both libraries are believed by the public key alone, and no other is`, async (t) => {
    const [own, other] = await Promise.all([1, 2].map(() => generateKeyPair(algorithm, { extractable: true })));
    const spki = await exportSPKI(own.publicKey);
    const server = await withServer(t, { jwt_keys: await file(`${algorithm}.pem`, spki) });
    const claims = { sub: 'alice', exp: anHour() };
    const signed = (key) => new SignJWT(claims).setProtectedHeader({ alg: algorithm }).sign(key);
    const pems = await Promise.all([own, other].map(({ privateKey }) => exportPKCS8(privateKey)));
    const made = await madeInPython(pems.map((key) => ({ key, algorithm, claims })));
    assert.equal(await identify(server, await signed(own.privateKey)), 'alice');
    assert.equal(await identify(server, await signed(other.privateKey)), 'bad_token');
    assert.deepEqual([await identify(server, made[0]), await identify(server, made[1])], ['alice', 'bad_token']);
    const confused = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(spki));
    assert.equal(await identify(server, confused), 'bad_token');
  });
}

test('HS256: tokens of both libraries are believed by the secret', async (t) => {
  const server = await withServer(t, { jwt_keys: await file('secret', `${SECRET}\n`) });
  const key = new TextEncoder().encode(SECRET);
  const own = await new SignJWT({ sub: 'alice', exp: anHour() }).setProtectedHeader({ alg: 'HS256' }).sign(key);
  const made = await madeInPython([
    { key: SECRET, algorithm: 'HS256', claims: { sub: 'bob', exp: anHour() } },
    { key: '', algorithm: 'none', claims: { sub: 'eve', exp: anHour() } },
    { key: SECRET, algorithm: 'HS512', claims: { sub: 'eve', exp: anHour() } },
    { key: SECRET, algorithm: 'HS256', claims: { sub: 'eve', exp: anHour() - 7200 } },
  ]);
  const said = [];
  for (const token of [own, ...made]) said.push(await identify(server, token));
  assert.deepEqual(said, ['alice', 'bob', 'bad_token', 'bad_token', 'token_expired']);
});

test('a set of keys finds each by its id, and is read again when it changes', async (t) => {
  const pairs = await Promise.all(ALGORITHMS.map((algorithm) => generateKeyPair(algorithm)));
  const keys = await Promise.all(pairs.map(async ({ publicKey }, at) => ({ ...(await exportJWK(publicKey)), kid: `k${at}` })));
  const path = await file('jwks.json', JSON.stringify({ keys: keys.slice(0, 2) }));
  const server = await withServer(t, { jwt_keys: path });
  const signed = (at, kid) =>
    new SignJWT({ sub: 'alice', exp: anHour() }).setProtectedHeader({ alg: ALGORITHMS[at], kid }).sign(pairs[at].privateKey);
  assert.equal(await identify(server, await signed(0, 'k0')), 'alice');
  assert.equal(await identify(server, await signed(1, 'k1')), 'alice');
  assert.equal(await identify(server, await signed(0, 'k1')), 'bad_token');
  const late = await signed(2, 'k2');
  assert.equal(await identify(server, late), 'bad_token');
  await file('jwks.json', JSON.stringify({ keys }));
  const start = Date.now();
  while ((await identify(server, late)) !== 'alice') assert.ok(Date.now() - start < 10_000, 'the set was not read again');
});

test('stock Socket.IO clients show their token when they connect, and are told why they may not', async (t) => {
  const server = await withServer(t, { jwt_keys: await file('socketio', SECRET), guests: 'none' });
  const key = new TextEncoder().encode(SECRET);
  const token = await new SignJWT({ sub: 'alice', exp: anHour() }).setProtectedHeader({ alg: 'HS256' }).sign(key);
  const shown = {
    2: (token) => [require('socket.io-client-2'), { query: { token } }],
    3: (token) => [require('socket.io-client-3').io, { auth: { token } }],
    4: (token) => [require('socket.io-client-4').io, { auth: { token } }],
  };
  for (const [version, show] of Object.entries(shown)) {
    for (const transports of [['polling'], ['websocket'], ['polling', 'websocket']]) {
      const connect = (token) => {
        const [io, options] = show(token);
        const socket = io(server.page, { forceNew: true, reconnection: false, transports, ...options });
        t.after(() => socket.close());
        return socket;
      };
      const socket = connect(token);
      await once(socket, 'connect');
      const joined = await new Promise((resolve) => socket.emit('joinRoom', { room: `of ${version}` }, resolve));
      assert.deepEqual(joined.present, ['alice'], `${version}.x over ${transports}`);
      const refused = connect('not a token');
      const [error] = await once(refused, version === '2' ? 'error' : 'connect_error');
      assert.equal(error.message ?? error, 'bad_token', `${version}.x over ${transports}`);
      if (version !== '2') assert.deepEqual([error.data.code, error.data.retry], ['bad_token', false]);
    }
  }
});

test('the JavaScript client gets a token when it connects, and a new one before that runs out', async (t) => {
  const server = await withServer(t, { jwt_keys: await file('client', SECRET), jwt_leeway_seconds: 0 });
  const key = new TextEncoder().encode(SECRET);
  let made = 0;
  const token = () => {
    const exp = Math.floor(Date.now() / 1000) + (made++ ? 3600 : 2);
    return new SignJWT({ sub: 'alice', exp }).setProtectedHeader({ alg: 'HS256' }).sign(key);
  };
  const chat = new Heimdallr(server.url, { WebSocket, token });
  t.after(() => chat.close());
  const states = new Listener();
  chat.on('state', ({ name }) => states.hear(name));
  await states.one((name) => name === 'online');
  const start = Date.now();
  while (Date.now() - start < 3_000) await chat.time();
  assert.deepEqual([chat.user, made, chat.stats.connected], ['alice', 2, 1]);
});
