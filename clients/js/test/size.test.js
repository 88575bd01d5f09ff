// The client is small, depends on nothing, and is typed.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import * as client from '../heimdallr.js';

const read = (name) => readFile(new URL(`../${name}`, import.meta.url), 'utf8');

test('the client is under 12 KB of source and imports nothing', async () => {
  const source = await read('heimdallr.js');
  assert.ok(Buffer.byteLength(source) < 12 * 1024, `${Buffer.byteLength(source)} bytes`);
  assert.doesNotMatch(source, /\bimport\b|\brequire\(/);
  assert.equal(JSON.parse(await read('package.json')).dependencies, undefined);
});

test('everything exported is typed', async () => {
  const types = await read('heimdallr.d.ts');
  for (const name of Object.keys(client)) assert.match(types, new RegExp(`export class ${name}\\b`));
});
