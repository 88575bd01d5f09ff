// What axe-core finds on a page: accessibility faults, in words.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Every fault that axe-core finds in the tab as it is, best practices included; passing movements are awaited. */
export async function faults(tab) {
  await tab.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => {}))));
  if (!(await tab.evaluate(() => 'axe' in window))) await tab.evaluate(axe);
  const { violations } = await tab.evaluate(() => window.axe.run());
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} (${node.failureSummary})`));
}
