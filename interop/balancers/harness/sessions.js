// Sessions that are opened one after the other and left alone, and which nodes they came to.

import assert from 'node:assert/strict';
import { Agent, get } from 'node:http';
import { soon } from './soon.js';

/** What the requests are answered with that open so many sessions, each over a connection of its own. */
export async function openSessions(cluster, count, options = {}) {
  const answers = [];
  for (let index = 0; index < count; index++) answers.push(await request(`${cluster.page}/socket.io/?EIO=4&transport=polling`, options));
  return answers;
}

/** How many each node has opened, once it is said of all; nodes show their numbers about once a second. */
export async function settled(cluster, count) {
  const sum = (counts) => counts.reduce((one, other) => one + other, 0);
  const look = () => cluster.counts('heimdallr_opened_sessions_total');
  let counts;
  await soon(async () => sum((counts = await look())) >= count, `${count} sessions were opened`);
  assert.equal(sum(counts), count);
  return counts;
}

function request(url, { headers = {}, localAddress } = {}) {
  return new Promise((resolve, reject) => {
    const asked = get(url, { headers, localAddress, agent: new Agent({ keepAlive: false }) }, (answer) => {
      answer.resume().on('end', () => resolve({ status: answer.statusCode, headers: answer.headers }));
    });
    asked.on('error', reject);
  });
}
