// What the server declines, and how the page says it. The answers are put into the page's socket: no real
// server can be brought to give each of them at will.

import assert from 'node:assert/strict';
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
  const stop = await answering(tab, 'post', { is: 'refused', code: 'overloaded', reason: 'busy', retry: true });
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
