// Small, quick, and all our own.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before } from 'node:test';
import { newRoom } from '../../clients/js/harness/cast.js';
import { startServer } from '../../clients/js/harness/server.js';
import { browserTest } from './harness/tabs.js';

const SCRIPT_BYTES_MAX = 40 * 1_024;
const STYLE_BYTES_MAX = 15 * 1_024;
const FIRST_PAINT_MS_MAX = 150;
const BARE_PAINT_MS = 40; // what a line of plain text takes on a machine that does nothing else
const COLD_LOADS = 7;

let server;
before(async () => (server = await startServer()));
after(() => server.kill());

const bytes = async (path) => (await (await fetch(server.page + path)).arrayBuffer()).byteLength;

browserTest('the page loads only its own files, within their budgets', async (open) => {
  const paths = new Set();
  const tab = await open({ at: server.page });
  tab.page.on('request', (request) => paths.add(request.url()));
  await tab.page.reload();
  await tab.enter('alice', newRoom());
  for (const url of paths) assert.ok(url.startsWith(server.page) || url.startsWith('data:'), `${url} is not ours`);
  const own = [...paths].map((url) => new URL(url).pathname);
  const sum = async (end) => (await Promise.all(own.filter((path) => path.endsWith(end)).map(bytes))).reduce((one, other) => one + other, 0);
  const [script, style] = [await sum('.js'), await sum('.css')];
  assert.ok(script > 10_000 && script < SCRIPT_BYTES_MAX, `${script} bytes of script`);
  assert.ok(style > 1_000 && style < STYLE_BYTES_MAX, `${style} bytes of style`);
});

browserTest('every module is asked for at once', async (open) => {
  const tab = await open({ at: server.page });
  const loaded = await tab.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname));
  const preloaded = await tab.page.$$eval('link[rel=modulepreload]', (links) => links.map((link) => link.getAttribute('href')));
  const modules = loaded.filter((path) => path.endsWith('.js') && !['/app.js', '/boot.js'].includes(path));
  assert.deepEqual([...new Set(modules)].sort(), preloaded.sort());
});

for (const path of ['/', '/?room=lobby']) {
  // A busy machine is slow with a line of plain text too: the page may take so many times longer.
  browserTest(`the first paint of ${path} comes soon, and nothing shifts after it`, async (open) => {
    const [paints, bare] = [[], []];
    for (let load = 0; load < COLD_LOADS; load++) {
      bare.push(await (await open({ at: server.page, path: '/healthz' })).evaluate(firstPaint));
      const tab = await open({ at: server.page, path });
      paints.push(await tab.evaluate(firstPaint));
      assert.equal(await tab.evaluate(shifts), 0);
    }
    // The quickest load: nothing but other programs makes one slower than that. How busy they are is told by plain text in the middle.
    const slowness = Math.max(1, bare.toSorted((one, other) => one - other)[COLD_LOADS >> 1] / BARE_PAINT_MS);
    assert.ok(Math.min(...paints) / slowness < FIRST_PAINT_MS_MAX, `${paints} ms, plain text ${bare} ms`);
  });
}

browserTest('entering a room shifts nothing', async (open) => {
  const room = newRoom();
  const tab = await (await open({ at: server.page })).enter('alice', room);
  await tab.say('hello');
  await tab.texts(1);
  await tab.page.reload();
  await tab.texts(1);
  assert.ok((await tab.evaluate(shifts)) < 0.001);
});

browserTest('from opening to the first message in under ten seconds', async (open) => {
  const start = performance.now();
  const tab = await open({ at: server.page });
  await tab.page.keyboard.type('alice');
  await tab.page.keyboard.press('Enter');
  await tab.state('online');
  await tab.page.keyboard.type('hello');
  await tab.page.keyboard.press('Enter');
  await tab.texts(1);
  assert.ok(performance.now() - start < 10_000);
});

browserTest('the page is guarded by its policy', async () => {
  const { headers } = await fetch(server.page);
  const policy = headers.get('content-security-policy');
  for (const rule of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"]) assert.ok(policy.includes(rule), rule);
  const html = await (await fetch(server.page)).text();
  assert.doesNotMatch(html, /<script>|<style|\sstyle=|\son[a-z]+=/);
});

browserTest('the style has both themes and stands on its own', async () => {
  const files = ['ground/ground.css', 'style.css', 'dashboard/style.css'].map((name) => new URL(`../../web/${name}`, import.meta.url));
  const style = (await Promise.all(files.map((file) => readFile(file, 'utf8')))).join('');
  assert.doesNotMatch(style, /@import|url\(/);
  assert.match(style, /prefers-reduced-motion/);
});

// These run in the page.

function firstPaint() {
  return new Promise((done) => {
    // On a busy machine the first paint of all may be told alone, before the one with contents.
    const look = (list) => list.getEntriesByName('first-contentful-paint').forEach((paint) => done(paint.startTime));
    new PerformanceObserver(look).observe({ type: 'paint', buffered: true });
  });
}

function shifts() {
  return new Promise((done) => {
    let sum = 0;
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => (sum += entry.value))).observe({ type: 'layout-shift', buffered: true });
    requestAnimationFrame(() => requestAnimationFrame(() => done(sum)));
  });
}
