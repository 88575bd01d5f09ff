// Browser tabs on the page, and what people do in them. A tab that complains (console, CSP, script) fails its test.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { listenIn } from './answers.js';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync';
const PATIENCE_MS = 15_000;
// What the browser itself says of a server, or a file, that is not there.
const OF_THE_NETWORK = /WebSocket connection to .* failed|net::ERR_|Failed to load resource|MIME type \('text\/plain'\) is not executable/;

let browser;
before(async () => {
  browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS.split(' ') });
});
after(() => browser.close());

/** A test whose `open` makes tabs, each a person of its own unless told otherwise. */
export function browserTest(name, run) {
  test(name, async () => {
    const contexts = [];
    const complaints = [];
    const open = async (options) => {
      const tab = await openTab(options);
      contexts.push(tab.page.context());
      listen(tab.page, complaints);
      await tab.page.goto(tab.address);
      return tab;
    };
    try {
      await run(open);
      assert.deepEqual(complaints, []);
    } finally {
      await Promise.all(contexts.map((context) => context.close()));
    }
  });
}

async function openTab({ at, path = '/', width = 1280, height = 800, scheme = 'light', trusting = false, besides }) {
  const isMobile = width < 600;
  const options = { viewport: { width, height }, colorScheme: scheme, isMobile, hasTouch: isMobile, locale: 'en-GB', timezoneId: 'UTC', ignoreHTTPSErrors: trusting };
  const context = besides?.page.context() ?? (await browser.newContext(options));
  context.setDefaultTimeout(PATIENCE_MS);
  await context.addInitScript(listenIn);
  return new Tab(await context.newPage(), at + path);
}

function listen(page, complaints) {
  page.on('console', (message) => {
    const isComplaint = ['error', 'warning'].includes(message.type()) && !OF_THE_NETWORK.test(message.text());
    if (isComplaint) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.stack));
}

export class Tab {
  constructor(page, address) {
    Object.assign(this, { page, address });
  }

  /** Through the door, into a room, until it is connected. */
  async enter(name, room) {
    await this.knock(name, room);
    await this.state('online');
    await this.page.waitForFunction(() => document.getElementById('count').textContent);
    return this;
  }

  async knock(name, room) {
    await this.page.fill('#name', name);
    await this.page.fill('#room', room);
    await this.page.click('#visit button');
  }

  async say(text) {
    await this.page.fill('#text', text);
    await this.page.press('#text', 'Enter');
  }

  /** Waits until the connection is in a state, as the button at the top shows it. */
  async state(name) {
    await this.page.waitForSelector(`#line[data-state=${name}]`);
  }

  /** The texts shown, once there are `count` of them. */
  async texts(count) {
    await this.page.waitForFunction((n) => document.querySelectorAll('#messages .text').length >= n, count);
    return this.all('#messages .text');
  }

  async all(selector) {
    return this.page.$$eval(selector, (elements) => elements.map((element) => element.textContent));
  }

  /** Waits until some element that fits `selector` has a text. */
  async shows(selector, text) {
    await this.page.locator(selector, { hasText: text }).first().waitFor();
  }

  /** Cuts a wait short. One that has ended by itself needs nothing. */
  async hurry() {
    await this.page.getByRole('button', { name: 'Try now' }).click({ timeout: 1_000 }).catch(() => {});
  }

  async evaluate(run, argument) {
    return this.page.evaluate(run, argument);
  }
}
