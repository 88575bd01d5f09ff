// Before something is done: what it is, what else may be said of it, and the request that does it.

import { call, curl } from './api.js';
import { button, byId, setText } from './elements.js';
import { asCurl, faultLine, labelled, make, select } from './parts.js';

const GRAVE = ['Ban', 'Close', 'Disconnect', 'Drain', 'Kick', 'Mute'];
const dialog = byId('ask');

/**
 * Asks, once. `fields` are `[name, label, options?, value?]`, `request` makes `[method, path, body]` of their values. Resolves with the node's answer, or
 * with nothing when it was not done.
 */
export function ask(verb, title, words, request, fields = []) {
  const inputs = fields.map(([name, , options, value]) => (options ? select(name, options, value) : make('input', { id: name, autocomplete: 'off', dir: 'auto' })));
  const asked = () => request(Object.fromEntries(inputs.map(({ id, value }) => [id, value.trim()])));
  const fault = faultLine();
  const shown = make('pre.request', { tabIndex: 0, role: 'region', ariaLabel: 'The request, for a shell' });
  const go = make(GRAVE.includes(verb) ? 'button.grave' : 'button.primary', {}, verb);
  const form = make(
    'form',
    {},
    make('h2', { id: 'ask-title', dir: 'auto' }, title),
    make('p', {}, words),
    ...inputs.map((input, index) => labelled(fields[index][1], input)),
    fault,
    make('details', {}, make('summary', {}, 'As a request'), shown, asCurl(asked)),
    make('div.ends', {}, button('Cancel', () => dialog.close(), ''), go),
  );
  form.oninput = () => setText(shown, curl(asked()));
  form.oninput();
  dialog.replaceChildren(form);
  dialog.showModal();
  return new Promise((done) => {
    let answer;
    dialog.onclose = () => done(answer);
    form.onsubmit = async (event) => {
      event.preventDefault();
      go.disabled = true;
      try {
        answer = await call(...asked());
        dialog.close();
      } catch ({ message, code }) {
        setText(fault, `${message} (${code})`);
        go.disabled = false;
      }
    };
  });
}
