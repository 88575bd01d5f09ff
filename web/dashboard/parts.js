// What views are put together from.

import { curl } from './api.js';
import { button, element, setText } from './elements.js';

/** An element by its tag and classes, `p.small`. */
export function make(kind, { role, ...properties } = {}, ...children) {
  const [tag, ...classes] = kind.split('.');
  const made = element(tag, { ...properties, className: classes.join(' ') }, ...children);
  if (role) made.setAttribute('role', role);
  return made;
}

/** What belongs to each key: as it was before, or made. */
export const renew = (before, keys, make) => new Map(keys.map((key) => [key, before.get(key) ?? make()]));

/** Writes those of the words that there are. */
export const listed = (node, ...words) => setText(node, words.filter(Boolean).join(' · '));

/** Where it is said what went wrong. */
export const faultLine = () => make('p.fault', { role: 'alert' });

export const labelled = (words, input) => make('div.field', {}, make('label', { htmlFor: input.id }, words), input);

export const select = (id, options, value) => make('select', { id }, ...options.map(([worth, words = worth]) => make('option', { value: worth, selected: worth === value }, words)));

/** A button that copies a request as a command for a shell. */
export const asCurl = (request) =>
  button('Copy as curl', async ({ target }) => {
    await navigator.clipboard.writeText(curl(request())).then(() => setText(target, 'Copied'), () => setText(target, 'Not allowed here'));
    setTimeout(() => setText(target, 'Copy as curl'), 1_500);
  });
