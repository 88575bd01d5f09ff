// People talking.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { newRoom } from '../../clients/js/harness/cast.js';
import { startServer } from '../../clients/js/harness/server.js';
import { browserTest } from './harness/tabs.js';
import { joinAs } from './harness/poster.js';

let server;
before(async () => (server = await startServer()));
after(() => server.kill());

browserTest('two tabs chat', async (open) => {
  const room = newRoom();
  const alice = await (await open({ at: server.page })).enter('alice', room);
  const bob = await (await open({ at: server.page })).enter('bob', room);
  await alice.say('Hello, Bob.');
  assert.deepEqual(await bob.texts(1), ['Hello, Bob.']);
  await bob.say('Hello, Alice.\nHow are you?');
  assert.deepEqual(await alice.texts(2), ['Hello, Bob.', 'Hello, Alice.\nHow are you?']);
  assert.equal(await alice.page.locator('.row.own').count(), 1);
  assert.deepEqual(await alice.all('#outbox li'), []);
});

browserTest('a link goes straight to the room, and the name is remembered', async (open) => {
  const room = newRoom();
  const first = await (await open({ at: server.page })).enter('alice', room);
  await first.say('kept');
  await first.texts(1);
  const second = await open({ at: server.page, path: `/?room=${encodeURIComponent(room)}`, besides: first });
  assert.deepEqual(await second.texts(1), ['kept']);
  await second.shows('#me', 'alice');
  await second.shows('#count', '1 member');
});

browserTest('a link asks a stranger for a name only', async (open) => {
  const tab = await open({ at: server.page, path: '/?room=den' });
  assert.equal(await tab.page.inputValue('#room'), 'den');
  assert.equal(await tab.evaluate(() => document.activeElement.id), 'name');
});

browserTest('everybody sees who is here', async (open) => {
  const room = newRoom();
  const alice = await (await open({ at: server.page })).enter('alice', room);
  const bob = await joinAs(server.url, 'bob', room);
  const guest = await joinAs(server.url, undefined, room);
  await alice.shows('#count', '2 members, 1 guest');
  assert.deepEqual(await alice.all('#people .name'), ['alice', 'bob']);
  bob.leave();
  guest.leave();
  await alice.shows('#count', /^1 member$/);
  assert.deepEqual(await alice.all('#people .name'), ['alice']);
});

browserTest('others see that somebody writes', async (open) => {
  const room = newRoom();
  const alice = await (await open({ at: server.page })).enter('alice', room);
  const bob = await (await open({ at: server.page })).enter('bob', room);
  await bob.page.type('#text', 'Well');
  await alice.shows('#typing', /bob.* is writing/);
  await bob.page.press('#text', 'Enter');
  await alice.texts(1);
  await alice.page.waitForFunction(() => !document.getElementById('typing').textContent);
});

browserTest('messages of one person in one minute are one group', async (open) => {
  const room = newRoom();
  const bob = await joinAs(server.url, 'bob', room);
  const alice = await (await open({ at: server.page })).enter('alice', room);
  await bob.post('one');
  await bob.post('two');
  await alice.texts(2);
  assert.equal(await alice.page.locator('.row .avatar:visible').count(), 1);
  assert.deepEqual(await alice.all('.row .heading b'), ['bob', 'bob']);
  assert.deepEqual(await alice.all('.day'), ['Today']);
});

browserTest('addresses become links, and nothing else does', async (open) => {
  const alice = await (await open({ at: server.page })).enter('alice', newRoom());
  await alice.say('See (https://example.org/a_(b)?c=d#e). javascript:alert(1) HTTP://EXAMPLE.ORG/x!');
  await alice.texts(1);
  const links = await alice.page.$$eval('.text a', (found) => found.map(({ textContent, href, rel, target }) => [textContent, href, rel, target]));
  assert.deepEqual(links, [
    ['https://example.org/a_(b)?c=d#e', 'https://example.org/a_(b)?c=d#e', 'noopener', '_blank'],
    ['HTTP://EXAMPLE.ORG/x', 'http://example.org/x', 'noopener', '_blank'],
  ]);
});

browserTest('a direct message is shown as one', async (open) => {
  const name = `alice ${newRoom()}`;
  const alice = await (await open({ at: server.page })).enter(name, newRoom());
  const bob = await joinAs(server.url, 'bob', newRoom());
  await bob.chat.direct(name, 'psst');
  await alice.shows('.row.private', 'only to you');
});

browserTest('the connection shows its facts', async (open) => {
  const alice = await (await open({ at: server.page })).enter('alice', newRoom());
  await alice.say('one position');
  await alice.texts(1);
  await alice.page.click('#line');
  await alice.shows('#facts dd', 'heimdallr.v1.json');
  await alice.shows('#facts dd', /^\d+\.\d ms$/);
  await alice.shows('#facts dd', /^[0-9a-z]+:1$/);
  await alice.shows('#facts dd', /^0 times$/);
});

browserTest('the theme is switched and remembered', async (open) => {
  const alice = await (await open({ at: server.page, scheme: 'light' })).enter('alice', newRoom());
  const shade = () => alice.evaluate(() => getComputedStyle(document.querySelector('.talk')).backgroundColor);
  const light = await shade();
  await alice.page.getByRole('button', { name: 'Use the dark theme' }).click();
  const dark = await shade();
  assert.notEqual(dark, light);
  await alice.page.reload();
  await alice.state('online');
  assert.equal(await shade(), dark);
  await alice.page.getByRole('button', { name: 'Use the light theme' }).click();
  assert.equal(await shade(), light);
});

browserTest('the link to the room can be shared', async (open) => {
  const alice = await (await open({ at: server.page })).enter('alice', 'a b/ü');
  await alice.page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await alice.page.click('#share');
  await alice.shows('#notice', 'copied');
  const link = await alice.evaluate(() => navigator.clipboard.readText());
  assert.equal(link, `${server.page}/?room=a%20b%2F%C3%BC`);
});

browserTest('name and room can be changed', async (open) => {
  const alice = await (await open({ at: server.page })).enter('alice', newRoom());
  await alice.page.click('#leave');
  await alice.enter('carol', newRoom());
  await alice.shows('#me', 'carol');
  assert.deepEqual(await alice.all('#people .name'), ['carol']);
});

browserTest('on a phone the list folds away and the keyboard keeps the composer', async (open) => {
  const alice = await (await open({ at: server.page, width: 390, height: 844 })).enter('alice', newRoom());
  assert.equal(await alice.page.locator('#side').isVisible(), false);
  await alice.page.click('#side-open');
  await alice.page.locator('#people .name', { hasText: 'alice' }).waitFor();
  await alice.page.keyboard.press('Escape');
  await alice.page.locator('#side').waitFor({ state: 'hidden' });
  await alice.page.setViewportSize({ width: 390, height: 420 });
  const bottom = await alice.page.$eval('#text', (box) => box.getBoundingClientRect().bottom);
  assert.ok(bottom <= 420, `the composer ends at ${bottom} of 420`);
});

for (const width of [360, 760, 1024, 2560]) {
  browserTest(`nothing is wider than a window of ${width}`, async (open) => {
    const alice = await (await open({ at: server.page, width })).enter('alice', newRoom());
    await alice.say('wide'.repeat(400));
    await alice.texts(1);
    assert.ok((await alice.evaluate(() => document.documentElement.scrollWidth)) <= width);
    const [scroll, client] = await alice.page.$eval('#scroller', (s) => [s.scrollWidth, s.clientWidth]);
    assert.equal(scroll, client);
  });
}
