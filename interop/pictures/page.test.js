// What the page looks like.

import { startServer } from '../../clients/js/harness/server.js';
import { joinAs } from '../browser/harness/poster.js';
import { browserTest } from '../browser/harness/tabs.js';
import { FRAMES, keep } from './harness/gallery.js';

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

for (const { name, ...frame } of FRAMES) {
  browserTest(`the page, ${name}`, async (open) => {
    const server = await startServer();
    const tab = await open({ at: server.page, ...frame });
    await talk(server, tab, 'bifröst');
    await keep(tab, `page-${name}`);
    await server.kill();
  });
}
