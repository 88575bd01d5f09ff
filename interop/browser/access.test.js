// Everybody can use every state of the page: axe-core finds nothing, in both themes, wide and narrow.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { newRoom } from '../../clients/js/harness/cast.js';
import { startProxy } from '../../clients/js/harness/proxy.js';
import { startServer } from '../../clients/js/harness/server.js';
import { answering } from './harness/answers.js';
import { faults } from './harness/audit.js';
import { joinAs } from './harness/poster.js';
import { browserTest } from './harness/tabs.js';

let server;
let proxy;
before(async () => {
  server = await startServer();
  proxy = await startProxy(server.port);
});
after(async () => {
  await proxy.refuse();
  await server.kill();
});

async function visitEveryState(tab, room, look) {
  await look('first visit');
  await tab.page.click('#visit button');
  await tab.shows('#name-fault', 'Please fill this in.');
  await look('a name is missing');

  await tab.enter('alice', room);
  await tab.shows('#top', 'It is quiet');
  await look('empty room');

  const bob = await joinAs(server.url, 'bob', room);
  await bob.post('See https://example.org\nand more');
  await bob.post('once more');
  await bob.post('long '.repeat(1_000));
  await bob.chat.direct('alice', 'psst');
  await tab.say('mine');
  await tab.texts(5);
  bob.room.signal('typing');
  await tab.shows('#typing', 'bob');
  await look('conversation');

  await tab.page.click('#line');
  await tab.shows('#facts dd', /ms/);
  await look('facts of the connection');
  await tab.page.keyboard.press('Escape');

  const again = await answering(tab, 'post', { is: 'refused', code: 'overloaded', reason: 'busy', retry: true });
  await tab.say('too fast');
  await tab.shows('#outbox .mark', 'Not sent');
  await look('not sent');
  await again();

  await Promise.all(Array.from({ length: 60 }, (_, n) => bob.post(`${n}`)));
  await tab.shows('#messages .text', '59');
  await tab.page.$eval('#scroller', (scroller) => (scroller.scrollTop -= 500));
  await tab.shows('#pill', 'newest');
  await look('reading above');

  await tab.evaluate(() => (Math.random = () => 0.999));
  await proxy.refuse();
  await tab.shows('#notice', 'Reconnecting in');
  await look('reconnecting');
  await bob.post('missed');
  await proxy.accept();
  await tab.hurry();
  await tab.shows('#notice', 'Back again');
  await tab.page.click('#pill');
  await tab.shows('.news', '1 message while you were away');
  await look('back again');

  await tab.evaluate(() => window.sockets.at(-1).onmessage({ data: JSON.stringify({ is: 'lost', room: document.getElementById('room-title').textContent, since: 'a:1', at: 'a:3' }) }));
  await tab.shows('.lost', '2 messages lost');
  await look('lost since');

  if (await tab.page.locator('#side-open').isVisible()) {
    await tab.page.click('#side-open');
    await look('list of people unfolded');
    await tab.page.keyboard.press('Escape');
  }

  await tab.evaluate(() => window.sockets.at(-1).onclose({ code: 4500, reason: 'bad_message' }));
  await tab.shows('#panel', 'Code: 4500');
  await look('refused');
  bob.leave();
}

browserTest('the audit finds what is wrong', async (open) => {
  const tab = await open({ at: server.page });
  await tab.evaluate(() => document.getElementById('door').append(document.createElement('button')));
  assert.match((await faults(tab)).join(), /button-name/);
});

for (const scheme of ['light', 'dark']) {
  for (const [width, height] of [[1280, 800], [390, 844]]) {
    browserTest(`axe-core finds nothing: ${scheme}, ${width} wide`, async (open) => {
      const tab = await open({ at: proxy.page, scheme, width, height });
      const found = [];
      await visitEveryState(tab, newRoom(), async (state) => found.push(...(await faults(tab)).map((fault) => `${state}: ${fault}`)));
      assert.deepEqual(found, []);
    });
  }
}

browserTest('everything works by keyboard', async (open) => {
  const tab = await open({ at: server.page });
  const { keyboard } = tab.page;
  await keyboard.type('alice');
  await keyboard.press('Tab');
  await keyboard.press('Control+A');
  await keyboard.type(newRoom());
  await keyboard.press('Enter');
  await tab.state('online');
  await keyboard.type('by keyboard');
  await keyboard.press('Shift+Enter');
  await keyboard.type('alone');
  await keyboard.press('Enter');
  assert.deepEqual(await tab.texts(1), ['by keyboard\nalone']);
  const reached = new Set();
  for (let step = 0; step < 20; step++) {
    await keyboard.press('Tab');
    reached.add(await tab.evaluate(() => document.activeElement.id));
  }
  for (const id of ['leave', 'share', 'theme', 'line', 'scroller', 'text']) assert.ok(reached.has(id), `${id} is not reached`);
});

browserTest('a screen reader hears of new messages', async (open) => {
  const room = newRoom();
  const tab = await (await open({ at: server.page })).enter('alice', room);
  const bob = await joinAs(server.url, 'bob', room);
  await bob.post('hello there');
  await tab.page.waitForFunction(() => document.getElementById('said').textContent === 'bob: hello there');
});

browserTest('who wants no movement gets none', async (open) => {
  const tab = await open({ at: server.page });
  await tab.page.emulateMedia({ reducedMotion: 'reduce' });
  await tab.enter('alice', newRoom());
  await tab.page.click('#share');
  await tab.shows('#notice', 'link');
  assert.equal(await tab.evaluate(() => document.getAnimations().length), 0);
});
