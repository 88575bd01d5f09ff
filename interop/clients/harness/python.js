// A Python with the packages that its programs here need, in an environment of its own that is made once.

import { execFile } from 'node:child_process';
import { access, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const path = (name) => fileURLToPath(new URL(`../../${name}`, import.meta.url));

const ENVIRONMENT = path('.cache/python');
const REQUIREMENTS = path('clients/python/requirements.txt');
const INSTALLED = `${ENVIRONMENT}/installed.txt`;

/** The interpreter. Slow when the requirements have changed. */
export async function python() {
  const required = await readFile(REQUIREMENTS, 'utf8');
  const installed = await readFile(INSTALLED, 'utf8').catch(() => '');
  if (installed !== required) await install(required);
  return `${ENVIRONMENT}/bin/python`;
}

async function install(required) {
  await access(`${ENVIRONMENT}/bin/pip`).catch(() => run('python3', ['-m', 'venv', ENVIRONMENT]));
  await run(`${ENVIRONMENT}/bin/pip`, ['install', '--quiet', '--requirement', REQUIREMENTS]);
  await writeFile(INSTALLED, required);
}
