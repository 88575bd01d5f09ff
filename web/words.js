// What the page says: counts, times, what each code means for people; for refusals that stands in the page.

import { byId } from './elements.js';

export const figure = (n) => n.toLocaleString();
export const count = (n, one) => `${figure(n)} ${one}${n === 1 ? '' : 's'}`;
export const clock = (ms) => new Date(ms).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
export const day = (ms) => new Date(ms).setHours(0, 0, 0, 0);

export function dayName(ms) {
  const days = Math.max(0, Math.round((day(Date.now()) - day(ms)) / 86_400_000));
  return ['Today', 'Yesterday'][days] ?? new Date(ms).toLocaleDateString([], { dateStyle: 'full' });
}

const CUTS = {
  server_restart: 'The server is restarting',
  overloaded: 'The server is busy',
};

/** Why there is no connection at the moment. */
export const cutWords = (reason) => (navigator.onLine ? (CUTS[reason] ?? 'The connection is lost') : 'You are offline');

/** What a refusal means in short, and what to do. */
export function refusalWords(code, reason) {
  const known = [...byId('refusals').content.children].find(({ classList }) => classList.contains(code) || classList.contains(reason));
  return known ? [known.title, known.textContent] : ['The server refused this', `It says: ${reason || code}.`];
}

/** Why a name or a room cannot be, or nothing: the server's rule (docs/protocol.md). */
export function nameFault(name) {
  const bytes = new TextEncoder().encode(name).length;
  if (bytes > 255) return `${bytes} bytes are too long: at most 255 are possible.`;
  if (/[\0-\x1f\x7f-\x9f]/.test(name)) return 'Some characters cannot be shown.';
  return name ? '' : 'Please fill this in.';
}
