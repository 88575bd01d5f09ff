// What the dashboard looks like: three nodes with a Redis, and all that its plots show.

import { after, before } from 'node:test';
import { Cluster } from '../balancers/harness/cluster.js';
import { browserTest } from '../browser/harness/tabs.js';
import { Crowd } from './harness/crowd.js';
import { FRAMES, keep } from './harness/gallery.js';

const SECONDS = Number(process.env.PICTURE_SECONDS ?? 310);
const ROOM = 'bifröst';

let cluster;
let crowd;
before(async () => {
  cluster = await Cluster.start({ nodes: 3, redis: true, keys: { drain_wait_seconds: 120 } });
  crowd = new Crowd(cluster, SECONDS);
  await new Promise((done) => setTimeout(done, SECONDS * 1_000));
  await fetch(`${cluster.nodes[1].admin}/api/v1/drain`, { method: 'POST' });
});
after(async () => {
  await crowd.leave();
  cluster.nodes.forEach((node) => node.kill('SIGKILL'));
  await cluster.end();
});

for (const { name, ...frame } of FRAMES) {
  browserTest(`the dashboard, ${name}`, async (open) => {
    const tab = await open({ at: cluster.nodes[0].admin, ...frame });
    await tab.shows('#nodes-count', '1 draining, 2 ready');
    await tab.shows('#shards td', '1');
    await keep(tab, `dashboard-${name}`, { fullPage: frame.width > 600 });
    await tab.evaluate(() => (location.hash = '#/rooms'));
    await tab.page.selectOption('#rooms-sort', 'rate');
    await tab.page.waitForFunction((room) => [...document.querySelectorAll('#rooms tr')].some((row) => row.textContent.startsWith(room) && /\d$/.test(row.textContent)), ROOM);
    await tab.evaluate((room) => (location.hash = `#/rooms/${room}`), ROOM);
    await tab.shows('.detail td', 'Freyja');
    await tab.page.check('#tailing');
    await tab.shows('.tail p', 'Freyja');
    await keep(tab, `rooms-${name}`);
  });
}
