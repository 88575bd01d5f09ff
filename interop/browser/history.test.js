// Reading what was said before, while more is being said.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { newRoom } from '../../clients/js/harness/cast.js';
import { startServer } from '../../clients/js/harness/server.js';
import { joinAs } from './harness/poster.js';
import { browserTest } from './harness/tabs.js';

let server;
before(async () => (server = await startServer()));
after(() => server.kill());

const line = (n) => `line ${n} ${'word '.repeat(n % 40)}`.trim();

/** A room in which somebody said `count` things. */
async function filledRoom(count) {
  const name = newRoom();
  const bob = await joinAs(server.url, 'bob', name);
  await Promise.all(Array.from({ length: count }, (_, n) => bob.post(line(n))));
  return { name, bob };
}

/** Where a text stands on the screen, in px from the top. */
const placeOf = (tab, text) =>
  tab.page.$$eval('.row', (rows, wanted) => rows.find((row) => row.querySelector('.text').textContent === wanted)?.getBoundingClientRect().top, text);

/** Runs in the page: scrolls to the very start. By how many px, at worst, a row stood elsewhere than it should. */
async function readBack() {
  const scroller = document.getElementById('scroller');
  const edge = scroller.getBoundingClientRect().top + 40;
  let worst = 0;
  for (let step = 0; step < 2_000; step++) {
    const row = [...document.querySelectorAll('#messages .row')].find((one) => one.getBoundingClientRect().bottom > edge);
    const by = Math.min(200, scroller.scrollTop);
    const due = row.getBoundingClientRect().top + by;
    scroller.scrollTop -= by;
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    worst = Math.max(worst, Math.abs(row.getBoundingClientRect().top - due));
    if (by === 0 && /as far back/.test(document.getElementById('top').textContent)) return worst;
  }
  throw new Error('never came to the start');
}

browserTest('scrolling back shows everything, and nothing jumps', async (open) => {
  const { name, bob } = await filledRoom(400);
  const alice = await (await open({ at: server.page })).enter('alice', name);
  await alice.texts(50);
  const worst = await alice.evaluate(readBack);
  assert.deepEqual(await alice.texts(400), Array.from({ length: 400 }, (_, n) => line(n)));
  assert.ok(worst <= 1.5, `a row jumped by ${worst} px`);
});

browserTest('what comes while one reads above waits behind a pill', async (open) => {
  const { name, bob } = await filledRoom(60);
  const alice = await (await open({ at: server.page })).enter('alice', name);
  await alice.texts(50);
  await alice.page.$eval('#scroller', (scroller) => (scroller.scrollTop -= 600));
  await alice.shows('#pill', 'To the newest');
  const shown = await alice.page.$$eval('.row', (rows) => rows.find((row) => row.getBoundingClientRect().top > 200).querySelector('.text').textContent);
  const place = await placeOf(alice, shown);
  await bob.post('news 1');
  await bob.post('news 2');
  await alice.shows('#pill', '2 new messages');
  const jump = Math.abs(await placeOf(alice, shown) - place);
  assert.ok(jump <= 1.5, `a row jumped by ${jump} px`);
  await alice.page.click('#pill');
  await alice.page.locator('#pill').waitFor({ state: 'hidden' });
  assert.ok((await placeOf(alice, 'news 2')) < 800);
});

browserTest('thousands of messages keep few rows', async (open) => {
  const { name, bob } = await filledRoom(20);
  const alice = await (await open({ at: server.page })).enter('alice', name);
  await alice.texts(20);
  for (let batch = 0; batch < 30; batch++) await Promise.all(Array.from({ length: 100 }, (_, n) => bob.post(`${batch}.${n}`)));
  await alice.shows('#messages .text', '29.99');
  assert.ok((await alice.page.locator('#messages li').count()) < 400);
});

browserTest('an empty room says so', async (open) => {
  const name = newRoom();
  const alice = await (await open({ at: server.page })).enter('alice', name);
  await alice.shows('#top', `It is quiet in ${name}.`);
});
