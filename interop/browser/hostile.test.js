// What strangers may write, and what must not come of it.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { newRoom } from '../../clients/js/harness/cast.js';
import { startServer } from '../../clients/js/harness/server.js';
import { flood, joinAs } from './harness/poster.js';
import { browserTest } from './harness/tabs.js';

let server;
before(async () => (server = await startServer()));
after(() => server.kill());

const ATTACKS = [
  '<img src=x onerror=window.hurt=1>',
  '<script>window.hurt=1</script>',
  '"><svg onload=window.hurt=1>',
  "javascript:window.hurt=1//'-->",
  '{{constructor.constructor("window.hurt=1")()}}',
  'https://example.org/"onmouseover="window.hurt=1',
];

for (const attack of ATTACKS) {
  browserTest(`shown as text wherever it stands: ${attack}`, async (open) => {
    const eve = await joinAs(server.url, attack, attack);
    const tab = await open({ at: server.page, path: `/?room=${encodeURIComponent(attack)}` });
    await tab.page.fill('#name', 'alice');
    await tab.page.click('#visit button');
    await tab.shows('#count', '2 members');
    await eve.post(attack);
    eve.room.signal('typing');
    await tab.shows('#typing', 'is writing');
    assert.deepEqual(await tab.texts(1), [attack]);
    assert.equal(await tab.page.textContent('#room-title'), attack);
    assert.deepEqual((await tab.all('#people .name')).sort(), ['alice', attack].sort());
    assert.deepEqual(await tab.all('.row .heading b'), [attack]);
    assert.equal(await tab.page.locator('#hall img, #hall script, #hall [onload]').count(), 0);
    assert.equal(await tab.evaluate(() => window.hurt), undefined);
    eve.leave();
  });
}

browserTest('a link goes nowhere but to the web', async (open) => {
  const eve = await joinAs(server.url, 'eve', newRoom());
  const alice = await (await open({ at: server.page })).enter('alice', eve.room.name);
  await eve.post('javascript:alert(1) data:text/html,x file:///etc/passwd //example.org vbscript:x');
  await alice.texts(1);
  assert.equal(await alice.page.locator('.text a').count(), 0);
});

browserTest('a message of 64 KB and a name of 255 bytes break nothing', async (open) => {
  const name = 'ẅ'.repeat(85);
  const eve = await joinAs(server.url, name, newRoom());
  const alice = await (await open({ at: server.page, width: 390, height: 844 })).enter('alice', eve.room.name);
  const text = 'x'.repeat(65_000);
  await eve.post(text);
  assert.deepEqual(await alice.texts(1), [text]);
  assert.ok((await alice.page.$eval('.row', (row) => row.offsetHeight)) < 400, 'is not folded');
  await alice.page.getByRole('button', { name: 'Show all 65,000 characters' }).click();
  assert.ok((await alice.page.$eval('.row', (row) => row.offsetHeight)) > 2_000);
  assert.ok((await alice.evaluate(() => document.documentElement.scrollWidth)) <= 390);
});

browserTest('a room of 255 bytes is entered, one of 256 is refused at the door', async (open) => {
  const tab = await open({ at: server.page });
  await tab.knock('alice', 'r'.repeat(256));
  await tab.shows('#room-fault', '256 bytes are too long');
  await tab.enter('alice', 'r'.repeat(255));
  assert.equal(await tab.page.textContent('#room-title'), 'r'.repeat(255));
});

browserTest('writing from right to left keeps its side', async (open) => {
  const eve = await joinAs(server.url, 'مريم', newRoom());
  const alice = await (await open({ at: server.page })).enter('alice', eve.room.name);
  await eve.post('مرحبا بالعالم');
  await eve.post('\u202Eright to left override\nand a second line');
  await alice.texts(2);
  const sides = await alice.page.$$eval('.text', (texts) => texts.map((text) => getComputedStyle(text).direction));
  assert.equal(sides[0], 'rtl');
  const name = await alice.page.$eval('#people bdi', (bdi) => getComputedStyle(bdi).unicodeBidi);
  assert.match(name, /isolate/);
});

browserTest('too long a message is not sent, and says so', async (open) => {
  const alice = await (await open({ at: server.page })).enter('alice', newRoom());
  await alice.say('y'.repeat(70_000));
  await alice.shows('#outbox .mark', 'Not sent: too long.');
  await alice.page.getByRole('button', { name: 'Edit' }).click();
  assert.equal((await alice.page.inputValue('#text')).length, 70_000);
  await alice.say('shorter');
  assert.deepEqual(await alice.texts(1), ['shorter']);
});

browserTest('ten thousand messages a second do not freeze the page', async (open) => {
  const room = newRoom();
  const alice = await (await open({ at: server.page })).enter('alice', room);
  await alice.evaluate(() => {
    let last = performance.now();
    window.longest = 0;
    const frame = (now) => {
      window.longest = Math.max(window.longest, now - last);
      last = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
  const over = flood(server.url, room, 10_000, 2);
  await alice.shows('#messages .note', /[\d,]{5,} messages went by/);
  await alice.say('still here');
  await alice.page.locator('#outbox li').waitFor({ state: 'detached' });
  await over;
  const bob = await joinAs(server.url, 'bob', room);
  await alice.shows('#people .name', 'bob');
  await bob.post('after the flood');
  await alice.shows('.row .text', 'after the flood');
  assert.ok((await alice.page.locator('#messages li').count()) < 200, 'shows more than a person can read');
  assert.ok((await alice.evaluate(() => window.longest)) < 1_000, 'froze');
  await alice.page.getByRole('button', { name: 'Read them' }).first().click();
  await alice.shows('.row .text', /of the flood$/);
});
