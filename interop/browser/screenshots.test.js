// What the page looks like. Pictures are written to docs/screenshots only when UPDATE_SCREENSHOTS=1.

import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { startServer } from '../../clients/js/harness/server.js';
import { joinAs } from './harness/poster.js';
import { browserTest } from './harness/tabs.js';

const FOLDER = new URL('../../docs/screenshots/', import.meta.url);
const PNG = '89504e47';

const SIZES = [
  { name: 'page-1280', width: 1280, height: 800, scheme: 'light' },
  { name: 'page-1280-dark', width: 1280, height: 800, scheme: 'dark' },
  { name: 'page-390', width: 390, height: 844, scheme: 'light' },
  { name: 'page-390-dark', width: 390, height: 844, scheme: 'dark' },
];

async function talk(server, tab, room) {
  const freyja = await joinAs(server.url, 'Freyja', room);
  const njord = await joinAs(server.url, 'Njörðr', room);
  const maryam = await joinAs(server.url, 'مريم', room);
  await joinAs(server.url, undefined, room);
  await tab.enter('Sif', room);
  await freyja.post('Good morning. The second node took over at 03:12, and nobody noticed.');
  await freyja.post('The positions are without a gap: https://example.org/ledger?run=42 (all of them).');
  await njord.post('How many were connected?');
  await tab.say('Fifteen thousand, most of them asleep.');
  await tab.texts(4);
  await tab.say('I pulled the cable again, to be sure. It counted down, came back and filled in what I had missed.');
  await tab.texts(5);
  await maryam.post('صباح الخير! هل يمكننا النشر اليوم؟');
  await njord.post('Yes:\n1. stop the first node\n2. watch the graphs\n3. coffee');
  await tab.texts(7);
  await tab.shows('#count', '4 members, 1 guest');
  freyja.room.signal('typing');
  await tab.shows('#typing', 'Freyja');
}

for (const { name, ...size } of SIZES) {
  browserTest(`a picture of ${name}`, async (open) => {
    const server = await startServer();
    const tab = await open({ at: server.page, ...size });
    await talk(server, tab, 'bifröst');
    await tab.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished)));
    const picture = await tab.page.screenshot();
    await server.kill();
    assert.equal(picture.subarray(0, 4).toString('hex'), PNG);
    if (process.env.UPDATE_SCREENSHOTS !== '1') return;
    await mkdir(FOLDER, { recursive: true });
    await writeFile(new URL(`${name}.png`, FOLDER), picture);
  });
}
