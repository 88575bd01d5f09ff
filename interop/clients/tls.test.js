// TLS as others speak it: OpenSSL, curl, Node and stock Socket.IO clients, beside those in plain text on the same port.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import WebSocket from 'ws';
import { startServer } from '../../clients/js/harness/server.js';
import { Listener } from './harness/listener.js';
import { Member } from './harness/socketio.js';

const run = promisify(execFile);
// The certificate of `--dev-tls` is trusted by nobody.
const TRUSTING = { rejectUnauthorized: false };

let server;
let securely;
before(async () => {
  server = await startServer(['--dev-tls'], { socketio_cookie: 'io' });
  securely = `https://localhost:${server.port}`;
});
after(() => server.stop());

/** What `openssl s_client` says; it ends when it has nothing more to say. */
async function openssl(...options) {
  const asked = run('openssl', ['s_client', '-connect', `127.0.0.1:${server.port}`, '-servername', 'localhost', ...options]);
  asked.child.stdin.end();
  const { stdout, stderr } = await asked.catch((error) => error);
  return stdout + stderr;
}

const curl = (...options) => run('curl', ['--silent', '--show-error', '--max-time', '15', ...options]);

async function plainMember(t, address, options) {
  const heard = new Listener();
  heard.socket = new WebSocket(address, options);
  heard.socket.on('message', (bytes) => heard.hear(String(bytes)));
  t.after(() => heard.socket.close());
  await once(heard.socket, 'open');
  return heard;
}

test('OpenSSL shakes hands in 1.2 and 1.3 and agrees on http/1.1', async () => {
  for (const [option, version] of [['-tls1_2', 'TLSv1.2'], ['-tls1_3', 'TLSv1.3']]) {
    const said = await openssl(option, '-alpn', 'h2,http/1.1');
    assert.match(said, new RegExp(`New, ${version}, Cipher is `));
    assert.match(said, /ALPN protocol: http\/1\.1/);
  }
});

test('older versions, and other protocols, are refused in words that OpenSSL knows', async () => {
  assert.match(await openssl('-tls1_1', '-cipher', 'DEFAULT@SECLEVEL=0'), /alert (protocol version|handshake failure)/);
  assert.match(await openssl('-alpn', 'h2'), /alert no application protocol/);
});

test('curl is answered over every version, and in plain text', async () => {
  for (const options of [['--tls-max', '1.2'], ['--tlsv1.3'], ['--http2']]) {
    const { stdout } = await curl('--insecure', ...options, '--write-out', '%{http_code} %{http_version}', `${securely}/healthz`);
    assert.match(stdout, /200 1\.1$/, options.join(' '));
  }
  await curl('--insecure', '--fail', '--data', 'hi', '--header', 'Content-Type: text/plain', `${securely}/rooms/curl`);
  assert.match((await curl('--include', `${server.page}/healthz`)).stdout, /^HTTP\/1\.1 200 /);
  await assert.rejects(curl(`${securely}/healthz`), /self.signed certificate/);
});

test('members over wss, over ws and over Socket.IO on https are in one room', async (t) => {
  const wss = await plainMember(t, `wss://localhost:${server.port}/lobby`, TRUSTING);
  const ws = await plainMember(t, `ws://127.0.0.1:${server.port}/lobby`);
  const members = [];
  for (const [version, transport] of [[4, 'polling'], [4, 'websocket'], [4, 'upgrading'], [3, 'upgrading'], [2, 'upgrading']]) {
    const member = await Member.open(t, securely, { version, transport, ...TRUSTING });
    await member.join('lobby');
    members.push(member);
  }
  wss.socket.send('over wss');
  ws.socket.send('over ws');
  for (const member of members) await member.say('lobby', `${member.name} over https`);
  const count = members.length + 2;
  const first = (await members[0].until((said) => said.length >= count)).map(({ message }) => message);
  for (const member of members) assert.deepEqual((await member.until((said) => said.length >= count)).map(({ message }) => message), first, member.name);
  const texts = (heard) => heard.map((said) => (said.startsWith('{') ? JSON.parse(said).text : said));
  assert.deepEqual(texts(await wss.until((said) => said.length >= count)), first);
  assert.deepEqual(texts(await ws.until((said) => said.length >= count)), first);
});

test('much goes both ways, whole and in order', async (t) => {
  const author = await plainMember(t, `wss://localhost:${server.port}/much`, TRUSTING);
  const reader = await plainMember(t, `ws://127.0.0.1:${server.port}/much`);
  const messages = Array.from({ length: 50 }, (_, index) => `${index}:${'x'.repeat(60_000)}`);
  messages.forEach((message) => author.socket.send(message));
  for (const member of [author, reader]) assert.deepEqual(await member.until((said) => said.length >= messages.length), messages);
});

test('a cookie that is given under TLS does not go back in plain text', async () => {
  const handshake = '/socket.io/?EIO=4&transport=polling';
  const { stdout: given } = await curl('--insecure', '--include', `${securely}${handshake}`);
  assert.match(given, /set-cookie: io=\S+; Path=\/; HttpOnly; SameSite=Lax; Secure\r\n/);
  const { stdout: plainly } = await curl('--include', `${server.page}${handshake}`);
  assert.match(plainly, /set-cookie: io=\S+; Path=\/; HttpOnly; SameSite=Lax\r\n/);
});

test('a client that is told to go hears the end of it', async (t) => {
  const going = await startServer(['--dev-tls']);
  const member = await plainMember(t, `wss://localhost:${going.port}/lobby`, TRUSTING);
  const closed = once(member.socket, 'close');
  assert.equal(await going.stop(), 0);
  assert.equal((await closed)[0], 4012);
});
