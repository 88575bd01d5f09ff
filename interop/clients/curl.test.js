// curl, as scripts use it: posts, events, health, the page.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { startServer } from '../../clients/js/harness/server.js';
import { Listener } from './harness/listener.js';

const run = promisify(execFile);
const TEXT = ['--header', 'Content-Type: text/plain'];
const JSON_TYPE = ['--header', 'Content-Type: application/json'];

let server;
before(async () => (server = await startServer(['--ping-interval', '1'])));
after(() => server.stop());

/** The status, the content and what curl says of how it went. */
async function curl(path, ...options) {
  const shown = ['--silent', '--max-time', '15', '--write-out', '\n%{json}'];
  const { stdout } = await run('curl', [...shown, ...options, `${server.page}${path}`]);
  const end = stdout.lastIndexOf('\n{');
  return { ...JSON.parse(stdout.slice(end)), content: stdout.slice(0, end) };
}

const post = (room, ...options) => curl(`/rooms/${room}`, ...options);

test('a post is answered with its position, and sent again with the same', async () => {
  const first = await post('a', ...TEXT, '--header', 'Idempotency-Key: k1', '--data', 'hi');
  assert.equal(first.http_code, 200);
  assert.match(first.content, /^\{"at":"[0-9a-z]+:1"\}$/);
  const again = await post('a', ...TEXT, '--header', 'Idempotency-Key: k1', '--data', 'hi');
  assert.deepEqual([again.http_code, again.content], [200, first.content]);
});

test('a reader without buffering sees posts of every kind as they come', async () => {
  const reader = spawn('curl', ['--silent', '--no-buffer', '--max-time', '60', `${server.page}/events/live`]);
  const events = new Listener();
  let text = '';
  reader.stdout.on('data', (bytes) => {
    const parts = (text += bytes).split('\n\n');
    text = parts.pop();
    parts.forEach((part) => events.hear(part));
  });
  await events.one((event) => event.includes('event: joined'));
  await post('live', ...TEXT, '--data-binary', 'line\nline');
  await post('live', ...JSON_TYPE, '--data', '{"user":"ann","data":{"a":1}}');
  await post('live', '--header', 'Content-Type: application/octet-stream', '--header', 'Transfer-Encoding: chunked', '--data', 'b');
  const posted = (heard) => heard.filter((event) => event.startsWith('id: ')).map((event) => event.split('\ndata: '));
  const heard = posted(await events.until((heard) => posted(heard).length === 3));
  const objects = heard.map(([id, data]) => ({ id: id.slice(4), ...JSON.parse(data) }));
  for (const { id, at } of objects) assert.equal(id, at);
  assert.deepEqual(objects.map(({ user, text, data, binary }) => [user, text, data, binary]), [
    [undefined, 'line\nline', undefined, undefined],
    ['ann', undefined, { a: 1 }, undefined],
    [undefined, undefined, undefined, 'Yg=='],
  ]);
  await events.one((event) => event === ':');
  reader.kill();
  await once(reader, 'exit');
});

test('what cannot be posted is refused with a status and a code', async () => {
  for (const [path, options, status, code] of [
    ['/rooms/', TEXT, 400, 'bad_name'],
    ['/rooms/a', JSON_TYPE, 400, 'bad_request'],
    ['/rooms/a', [...TEXT, '--header', `Idempotency-Key: ${'x'.repeat(65)}`], 400, 'bad_request'],
    ['/rooms/a', ['--header', 'Content-Type: text/html'], 415, 'bad_request'],
  ]) {
    const { http_code, content } = await curl(path, ...options, '--data', 'hi');
    assert.deepEqual([http_code, JSON.parse(content).code], [status, code]);
  }
});

test('a body that is too large is refused before it is sent, and while it is', async () => {
  const large = ['--data', 'x'.repeat(70_000)];
  for (const more of [['--header', 'Expect: 100-continue'], ['--header', 'Transfer-Encoding: chunked'], ['--header', 'Expect:']]) {
    const { http_code, content, size_upload } = await post('a', ...TEXT, ...more, ...large);
    assert.deepEqual([http_code, JSON.parse(content).code], [413, 'message_too_large']);
    if (more[0].includes('100')) assert.equal(size_upload, 0);
  }
});

test('a client that waits for permission gets it', async () => {
  const { http_code } = await post('a', ...TEXT, '--header', 'Expect: 100-continue', '--expect100-timeout', '14', '--data', 'hi');
  assert.equal(http_code, 200);
});

test('one connection carries many requests', async () => {
  const shown = ['--silent', '--output', '/dev/null', '--write-out', '%{http_code} %{num_connects}\n'];
  const post = [...TEXT, '--data', 'x', `${server.page}/rooms/b`];
  const get = (path) => [`${server.page}${path}`];
  const requests = [get('/healthz'), post, get('/healthz'), get('/nothing'), post];
  const { stdout } = await run('curl', requests.flatMap((request) => ['--next', ...shown, ...request]).slice(1));
  assert.equal(stdout, '200 1\n200 0\n200 0\n404 0\n200 0\n');
});

test('requests sent ahead of their answers are answered in order', async () => {
  const socket = connect(server.port, '127.0.0.1');
  const request = (room, body) => `POST /rooms/${room} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const rooms = Array.from({ length: 20 }, (_, index) => `ahead-${index}`);
  socket.write(rooms.map((room, index) => request(room, 'x'.repeat(index))).join(''));
  socket.write('GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  let answers = '';
  for await (const bytes of socket) answers += bytes;
  assert.equal(answers.match(/\{"at":"[0-9a-z]+:1"\}/g)?.length, rooms.length);
  assert.ok(answers.endsWith('\r\n\r\nok'));
});

test('health is asked with GET and HEAD, and nothing else', async () => {
  assert.deepEqual([(await curl('/healthz')).content, (await curl('/healthz', '--head')).http_code], ['ok', 200]);
  const { http_code, content } = await curl('/healthz', '--request', 'DELETE', '--include');
  assert.equal(http_code, 405);
  assert.match(content, /^allow: GET, HEAD\r$/m);
});

test('a file that has not changed is not sent again', async () => {
  const { http_code, content } = await curl('/heimdallr.js', '--include');
  assert.equal(http_code, 200);
  assert.match(content, /^content-security-policy: default-src 'none'; .*\r$/m);
  const [, tag] = content.match(/^etag: (.*)\r$/m);
  const again = await curl('/heimdallr.js', '--header', `If-None-Match: ${tag}`);
  assert.deepEqual([again.http_code, again.content], [304, '']);
});

test('HTTP/1.0 is answered and closed', async () => {
  const { http_code, content } = await curl('/healthz', '--http1.0', '--include');
  assert.equal(http_code, 200);
  assert.match(content, /^connection: close\r$/m);
});
