// What the page says: counts, times, what each code means for people.

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

const REFUSALS = {
  bad_name: 'That name cannot be used|Choose one of 1 to 255 bytes.',
  room_full: 'The room is full|This page tries again by itself, until somebody leaves.',
  overloaded: 'Too fast|The server is busy. This page tries again by itself.',
  queue_full: 'Too fast|Too much is waiting to be sent.',
  unanswered: 'Perhaps lost|',
  message_too_large: 'Too long|The server takes no messages of that length.',
};

/** What a refusal means in short, and what to do. */
export const refusalWords = (code, reason) => (REFUSALS[code] ?? `The server refused this|It says: ${reason || code}.`).split('|');

/** Why a name or a room cannot be, or nothing: the server's rule (docs/protocol.md). */
export function nameFault(name) {
  const bytes = new TextEncoder().encode(name).length;
  if (bytes > 255) return `${bytes} bytes are too long: at most 255 are possible.`;
  if (/[\0-\x1f\x7f-\x9f]/.test(name)) return 'Some characters cannot be shown.';
  return name ? '' : 'Something has to stand here.';
}
