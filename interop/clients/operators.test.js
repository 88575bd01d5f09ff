// A client generated from the node's own OpenAPI document operates it, and webhooks are verified by the library of their standard.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Webhook } from 'standardwebhooks';
import WebSocket from 'ws';
import { BINARY, startServer } from '../../clients/js/harness/server.js';
import { Listener } from './harness/listener.js';
import { python } from './harness/python.js';

const run = promisify(execFile);
const PROGRAM = fileURLToPath(new URL('python/operators.py', import.meta.url));
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

let folder;
before(async () => (folder = await mkdtemp(join(tmpdir(), 'heimdallr-operators-'))));
after(() => rm(folder, { recursive: true }));

/** A secret, and what a node knows it by. */
async function key(scopes) {
  const { stdout } = await run(BINARY, ['key', 'ops', '--scopes', scopes]);
  const [, secret, known] = stdout.match(/^secret: (\S+)\nadd to api_keys: "(\S+)"\n$/);
  return { secret, known };
}

/** A member of a room. */
async function member(server, user, room) {
  const socket = new WebSocket(server.url, 'heimdallr.v1.json');
  const heard = new Listener();
  socket.on('message', (data) => heard.hear(JSON.parse(data)));
  await once(socket, 'open');
  socket.send(JSON.stringify({ do: 'identify', user }));
  socket.send(JSON.stringify({ do: 'join', room }));
  await heard.until((said) => said.some(({ is }) => is === 'joined'));
  return { socket, heard };
}

test('a generated client operates the node', async (t) => {
  const { secret, known } = await key('read,post,moderate');
  const server = await startServer([], { api_keys: known });
  t.after(() => server.stop());
  const ann = await member(server, 'ann', 'a/b');
  const base = `http://127.0.0.1:${server.adminPort}`;
  const document = join(folder, 'openapi.json');
  await writeFile(document, await (await fetch(`${base}/openapi.json`)).text());
  const config = join(folder, 'config.json');
  await writeFile(config, JSON.stringify({ post_hooks: [] }));
  const generate = ['-m', 'openapi_python_client', 'generate', '--fail-on-warning', '--meta', 'none'];
  const output = join(folder, 'operators_client');
  await run(await python(), [...generate, '--config', config, '--path', document, '--output-path', output]);
  const { stdout } = await run(await python(), [PROGRAM, folder, base, secret]);
  assert.deepEqual(JSON.parse(stdout), {
    key: 'ops',
    one: true,
    rooms: [['a/b', 1]],
    sessions: [1, ['v1']],
    members: ['ann'],
    texts: ['hello'],
    bans: [['mallory'], 204],
    slow: 1000,
    left: [1, 1],
    refused: ['Problem', 'bad_name'],
  });
  await ann.heard.until((said) => said.some(({ is, code }) => is === 'removed' && code === 'kicked'));
  await ann.heard.until((said) => said.some(({ is, code }) => is === 'closing' && code === 4520));
});

test('webhooks are those of the standard', async (t) => {
  const taken = new Listener();
  const listener = createServer(async (request, answer) => {
    const body = await text(request);
    answer.writeHead(204).end();
    // It throws unless all of it is as it should be.
    taken.hear(new Webhook(SECRET).verify(body, request.headers));
  });
  await once(listener.listen(0, '127.0.0.1'), 'listening');
  t.after(() => listener.close());
  const webhook = `http://127.0.0.1:${listener.address().port}/`;
  const webhook_on = 'room.occupied,room.vacated,member.joined,member.left,message.posted';
  const server = await startServer([], { webhook, webhook_on, webhook_secret: SECRET });
  t.after(() => server.stop());
  const { socket } = await member(server, 'ann', 'den');
  socket.send(JSON.stringify({ do: 'post', room: 'den', text: 'hello', id: 'm1' }));
  await taken.until((said) => said.some(({ type }) => type === 'message.posted'));
  socket.close();
  const said = await taken.until((all) => all.some(({ type }) => type === 'room.vacated'));
  const types = ['room.occupied', 'member.joined', 'message.posted', 'member.left', 'room.vacated'];
  assert.deepEqual(said.map(({ type }) => type), types);
  assert.ok(said.every(({ data }) => data.room === 'den'));
  assert.deepEqual([said[1].data.user, said[2].data.text, said[2].data.user], ['ann', 'hello', 'ann']);
  assert.ok(said.every(({ timestamp }) => Math.abs(Date.parse(timestamp) - Date.now()) < 60_000));
});
