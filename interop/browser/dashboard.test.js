// The dashboard at the admin address: what operators see of a node, and do with it.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before } from 'node:test';
import { promisify } from 'node:util';
import { newRoom } from '../../clients/js/harness/cast.js';
import { BINARY, startServer } from '../../clients/js/harness/server.js';
import { faults } from './harness/audit.js';
import { joinAs } from './harness/poster.js';
import { browserTest } from './harness/tabs.js';

const SCRIPT_BYTES_MAX = 40 * 1_024;
const STYLE_BYTES_MAX = 15 * 1_024;
const ATTACK = '<img src=x onerror=window.hurt=1>';

let server;
before(async () => (server = await startServer()));
after(() => server.kill());

const parts = (room) => ['', 'rooms', `rooms/${encodeURIComponent(room)}`, 'sessions', 'moderation'];

/** The dashboard, with a part of it open. */
async function look(open, part = '', options = {}) {
  const tab = await open({ at: server.admin, path: `/#/${part}`, ...options });
  await tab.page.waitForSelector('#health[data-state=ready]');
  return tab;
}

browserTest('the dashboard loads only its own files, within their budgets, and nothing of it is inline', async (open) => {
  const tab = await look(open);
  const loaded = await tab.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name));
  for (const url of loaded) assert.ok(url.startsWith(server.admin), `${url} is not ours`);
  const own = [...new Set(loaded.map((url) => new URL(url).pathname))];
  const bytes = async (path) => (await (await fetch(server.admin + path)).arrayBuffer()).byteLength;
  const sum = async (end) => (await Promise.all(own.filter((path) => path.endsWith(end)).map(bytes))).reduce((one, other) => one + other, 0);
  const [script, style] = [await sum('.js'), await sum('.css')];
  assert.ok(script > 10_000 && script < SCRIPT_BYTES_MAX, `${script} bytes of script`);
  assert.ok(style > 1_000 && style < STYLE_BYTES_MAX, `${style} bytes of style`);
  assert.doesNotMatch(await (await fetch(server.admin)).text(), /<script>|<style|\sstyle=|\son[a-z]+=/);
  const modules = own.filter((path) => path.endsWith('.js') && !['/main.js', '/boot.js'].includes(path));
  const preloaded = await tab.page.$$eval('link[rel=modulepreload]', (links) => links.map((link) => `/${link.getAttribute('href')}`));
  assert.deepEqual(modules.sort(), preloaded.sort());
});

browserTest('axe-core finds nothing, in any part, in either theme, on a phone either', async (open) => {
  const room = newRoom();
  const { post } = await joinAs(server.url, 'Freyja', room);
  await post('hello');
  for (const size of [{ scheme: 'light' }, { scheme: 'dark', width: 390, height: 844 }]) {
    const tab = await look(open, '', size);
    for (const part of parts(room)) {
      await tab.evaluate((hash) => (location.hash = hash), `#/${part}`);
      await tab.page.waitForFunction(() => document.querySelector('.view:not([hidden]) :is(td, .empty:not([hidden]), .plot dd)')?.textContent);
      assert.deepEqual(await faults(tab), [], part);
      assert.ok(await tab.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${part} is too wide`);
    }
    await tab.page.click('#drain');
    await tab.page.getByText('As a request').click();
    assert.deepEqual(await faults(tab), [], 'a question');
  }
});

browserTest('plots show at once what has been, and what was at a moment that is pointed at', async (open) => {
  const tab = await look(open);
  await tab.shows('#plots .legend', 'per second');
  const plot = tab.page.locator('.plot', { hasText: 'Connections' });
  await joinAs(server.url, 'Freyja', newRoom());
  await plot.locator('dt', { hasText: 'Rich WebSocket' }).waitFor();
  await plot.focus();
  await tab.page.keyboard.press('ArrowLeft');
  assert.equal(await tab.page.locator('.cursor:visible').count(), 9, 'all plots point at it');
  assert.match(await plot.locator('.cursor').textContent(), /^\d\d:\d\d:\d\d, \d+ s ago$/);
  await tab.page.keyboard.press('Escape');
  assert.equal(await tab.page.locator('.cursor:visible').count(), 0);
});

browserTest('names and messages of strangers are shown as text', async (open) => {
  const eve = await joinAs(server.url, ATTACK, ATTACK);
  await eve.post(ATTACK);
  const tab = await look(open, 'rooms');
  await tab.page.getByRole('button', { name: ATTACK }).click();
  await tab.shows('.detail td', ATTACK);
  await tab.page.check('#tailing');
  await tab.shows('.tail span', ATTACK);
  await tab.page.locator('.detail').getByRole('button', { name: ATTACK }).click();
  await tab.shows('#sessions td', ATTACK);
  await tab.page.locator('#sessions td').getByRole('button', { name: ATTACK }).click();
  assert.equal(await tab.page.textContent('#sessions .detail h2'), ATTACK);
  assert.equal(await tab.page.locator('img, [onerror]').count(), 0);
  assert.equal(await tab.evaluate(() => window.hurt), undefined);
});

browserTest('a session is looked up by its user and disconnected, and the request is shown', async (open) => {
  const loki = await joinAs(server.url, 'Loki', newRoom());
  const closed = new Promise((done) => loki.chat.on('state', ({ name }) => name !== 'online' && done()));
  const tab = await look(open, 'sessions');
  await tab.page.fill('#sessions-worth', 'Loki');
  await tab.page.locator('#sessions td').getByRole('button', { name: 'Loki' }).click();
  await tab.page.getByRole('button', { name: 'Disconnect' }).click();
  await tab.page.getByText('As a request').click();
  assert.match(await tab.page.textContent('.request'), /^curl -X POST .*"session":"[-0-9a-f]+".*\/api\/v1\/disconnect'$/);
  await tab.page.locator('#ask').getByRole('button', { name: 'Disconnect' }).click();
  await closed;
});

browserTest('a member is banned, listed, and let in again', async (open) => {
  const loki = await joinAs(server.url, 'Loki', newRoom());
  const tab = await look(open, `rooms/${loki.room.name}`);
  await tab.page.locator('.detail td').getByRole('button', { name: 'Ban' }).click();
  await tab.page.fill('#reason', 'mischief');
  await tab.page.locator('#ask').getByRole('button', { name: 'Ban' }).click();
  await tab.shows('.detail .empty', 'Nobody who has a name is here.');
  await tab.evaluate(() => (location.hash = '#/moderation'));
  await tab.shows('#moderation td', 'mischief');
  await tab.page.getByRole('button', { name: 'Lift' }).click();
  await tab.page.locator('#ask').getByRole('button', { name: 'Lift' }).click();
  await tab.shows('#moderation .empty', 'Nobody is banned.');
  await tab.shows('#moderation td', 'lift ban');
});

browserTest('rooms are sorted by how much is said in them, and shards say what they hold', async (open) => {
  const [quiet, loud] = [newRoom(), newRoom()];
  for (const name of ['Sif', 'Freyja']) await joinAs(server.url, name, quiet);
  const { post } = await joinAs(server.url, 'Loki', loud);
  const talking = setInterval(() => post('and another thing'), 50);
  try {
    const tab = await look(open, 'rooms');
    await tab.page.selectOption('#rooms-sort', 'rate');
    await tab.page.waitForFunction((room) => document.querySelector('#rooms tbody tr')?.textContent.startsWith(room), loud);
    const [rate] = await tab.all('#rooms tbody tr:first-child td:last-child');
    assert.ok(Number(rate) > 1 && Number(rate) < 40, rate);
    await tab.evaluate(() => (location.hash = '#/'));
    await tab.shows('#shards td', /[1-9] K?B/);
    assert.equal(await tab.page.locator('#shards tbody tr').count(), 2);
  } finally {
    clearInterval(talking);
  }
});

browserTest('a node that does not answer says so', async (open) => {
  const mortal = await startServer();
  const tab = await open({ at: mortal.admin });
  await tab.page.waitForSelector('#health[data-state=ready]');
  await mortal.kill();
  await tab.shows('#notice', 'has not answered for');
  assert.equal(await tab.page.textContent('#health-word'), 'No answer');
});

browserTest('without a key that is known nothing is shown', async (open) => {
  const { stdout } = await promisify(execFile)(BINARY, ['key', 'ops', '--scopes', 'read']);
  const [, secret, known] = stdout.match(/^secret: (\S+)\nadd to api_keys: "(\S+)"\n$/);
  const locked = await startServer([], { api_keys: known });
  const tab = await open({ at: locked.admin });
  await tab.page.waitForSelector('#key:not([hidden])');
  assert.equal(await tab.page.locator('.view:visible').count(), 0);
  assert.deepEqual(await faults(tab), []);
  await tab.page.fill('#key-field', 'wrong');
  await tab.page.click('#key button');
  await tab.shows('#key-words', 'does not know that key');
  await tab.page.fill('#key-field', secret);
  await tab.page.click('#key button');
  await tab.page.waitForSelector('#overview:not([hidden])');
  await locked.kill();
});

browserTest('draining asks once and says how far it is', async (open) => {
  const short = await startServer([], { drain_wait_seconds: 1 });
  await joinAs(short.url, 'Freyja', newRoom());
  const tab = await open({ at: short.admin });
  await tab.page.click('#drain:enabled');
  await tab.page.locator('#ask').getByRole('button', { name: 'Drain' }).click();
  await tab.shows('#notice', 'Draining');
  await tab.shows('#notice', 'The node has ended');
  assert.equal(await short.stop(), 0);
});
