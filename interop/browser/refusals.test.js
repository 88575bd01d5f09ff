// What the server declines, and how the page says it. Most answers are put into the page's socket: no real
// server can be brought to give each of them at will.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before } from 'node:test';
import { newRoom } from '../../clients/js/harness/cast.js';
import { startServer } from '../../clients/js/harness/server.js';
import { browserTest } from './harness/tabs.js';
import { answering } from './harness/answers.js';

let server;
before(async () => (server = await startServer()));
after(() => server.kill());

browserTest('a name that is refused: why, and another way', async (open) => {
  const tab = await open({ at: server.page });
  await answering(tab, 'identify', { is: 'refused', code: 'bad_name', reason: 'no', retry: false });
  await tab.knock('alice', newRoom());
  await tab.shows('#panel h2', 'That name cannot be used');
  await tab.shows('#panel', 'Code: bad_name');
  await tab.page.getByRole('button', { name: 'Choose another name' }).click();
  await tab.page.locator('#name').waitFor();
});

browserTest('a full room: why, and that it tries again', async (open) => {
  const tab = await open({ at: server.page });
  const stop = await answering(tab, 'join', { is: 'refused', code: 'room_full', reason: 'full', retry: true });
  await tab.knock('alice', newRoom());
  await tab.shows('#panel h2', 'The room is full');
  assert.equal(await tab.page.locator('#text').isDisabled(), true);
  await stop();
  await tab.page.locator('#panel').waitFor({ state: 'hidden' });
  await tab.say('in at last');
  assert.deepEqual(await tab.texts(1), ['in at last']);
});

browserTest('too fast: the message stays, and is sent again on request', async (open) => {
  const tab = await (await open({ at: server.page })).enter('alice', newRoom());
  const stop = await answering(tab, 'post', { is: 'refused', code: 'too_fast', reason: 'slow down', retry: true });
  await tab.say('again');
  await tab.shows('#outbox .mark', 'Not sent: too fast.');
  await stop();
  await tab.page.getByRole('button', { name: 'Send again' }).click();
  assert.deepEqual(await tab.texts(1), ['again']);
  assert.deepEqual(await tab.all('#outbox li'), []);
});

browserTest('a close that says not to come back is obeyed', async (open) => {
  const tab = await (await open({ at: server.page })).enter('alice', newRoom());
  await tab.evaluate(() => window.sockets.at(-1).onclose({ code: 4500, reason: 'bad_message' }));
  await tab.state('closed');
  await tab.shows('#panel', 'Code: 4500');
  await tab.page.getByRole('button', { name: 'Connect again' }).click();
  await tab.state('online');
  await tab.page.locator('#panel').waitFor({ state: 'hidden' });
});

browserTest('who is sent out of a room is told, and may come back', async (open) => {
  const room = newRoom();
  const tab = await (await open({ at: server.page })).enter('alice', room);
  await tab.say('before');
  await tab.texts(1);
  const kick = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ user: 'alice' }) };
  assert.equal((await fetch(`${server.admin}/api/v1/rooms/${encodeURIComponent(room)}/kick`, kick)).status, 200);
  await tab.shows('#panel h2', 'You were sent out of the room');
  await tab.page.getByRole('button', { name: 'Join again' }).click();
  await tab.page.locator('#panel').waitFor({ state: 'hidden' });
  await tab.say('after');
  assert.deepEqual(await tab.texts(2), ['before', 'after']);
});

browserTest('words stand for codes that there are', async (open) => {
  const tab = await open({ at: server.page });
  const known = await tab.evaluate(() => [...document.getElementById('refusals').content.children].flatMap(({ classList }) => [...classList]));
  const codes = await readFile(new URL('../../docs/reference/codes.md', import.meta.url), 'utf8');
  const published = [...codes.matchAll(/^\| (?:\d+ \| )?`(\w+)` \|/gm)].map(([, code]) => code);
  const ours = ['queue_full', 'unanswered'];
  assert.deepEqual(known.filter((code) => ![...published, ...ours].includes(code)), []);
});
