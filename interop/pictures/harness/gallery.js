// Where pictures go: docs/screenshots, one for each width and theme.

import { mkdir, writeFile } from 'node:fs/promises';

const FOLDER = new URL('../../../docs/screenshots/', import.meta.url);

export const FRAMES = [
  { name: '1280', width: 1280, height: 800, scheme: 'light' },
  { name: '1280-dark', width: 1280, height: 800, scheme: 'dark' },
  { name: '390', width: 390, height: 844, scheme: 'light' },
  { name: '390-dark', width: 390, height: 844, scheme: 'dark' },
];

/** Keeps what a tab looks like once nothing moves any more. */
export async function keep(tab, name, options = {}) {
  await tab.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished)));
  await mkdir(FOLDER, { recursive: true });
  await writeFile(new URL(`${name}.png`, FOLDER), await tab.page.screenshot(options));
}
