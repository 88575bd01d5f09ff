// What is said over the conversation: a strip that passes, a panel that stays.

import { switchComposer } from './composer.js';
import { button, byId, element, setText } from './elements.js';
import { cutWords, refusalWords } from './words.js';

const PASSES_MS = 5_000;

const strip = byId('notice');
const panel = byId('panel');
let timer;
let cause; // of a wait, until it ends

export const connecting = () => say('soon', 'Connecting…');

/** Counts down to the next attempt. */
export function waiting({ reason, retryAt }, tryNow) {
  if (reason !== 'connection_lost') cause = reason;
  const words = element('span', {});
  say('warn', words, button('Try now', tryNow));
  const tick = () => {
    const left = Math.ceil((retryAt - Date.now()) / 1_000);
    setText(words, `${cutWords(cause)}. Reconnecting ${left > 0 ? `in ${left} s` : 'now'}…`);
    later(500, tick);
  };
  tick();
}

export function passing(words) {
  say('good', words);
  later(PASSES_MS, clear);
}

export function clear() {
  clearTimeout(timer);
  cause = undefined;
  strip.replaceChildren();
}

/** Stands in for the conversation; `ways` lead on. */
export function refused(code, reason, ...ways) {
  const [title, advice] = refusalWords(code, reason);
  clear();
  panel.replaceChildren(element('h2', {}, title), element('p', {}, advice), element('p', { className: 'small' }, `Code: ${code}`), ...ways);
  panel.hidden = false;
  switchComposer(false);
}

export function accepted() {
  panel.hidden = true;
  switchComposer(true);
}

function say(mood, ...children) {
  strip.replaceChildren(element('div', { className: `strip ${mood}` }, ...children));
}

function later(ms, act) {
  clearTimeout(timer);
  timer = setTimeout(act, ms);
}
