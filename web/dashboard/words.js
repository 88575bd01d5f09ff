// Numbers and times as people read them.

const written = (n, digits) => n.toLocaleString('en', { maximumFractionDigits: digits });
const known = (say) => (n) => (n === null || n === undefined ? NOTHING : say(n));

const scaled = (n, step, units) => {
  let unit = 0;
  while (n >= step && units[unit + 1]) [n, unit] = [n / step, unit + 1];
  return written(n, n < 10 ? 2 : n < 100 ? 1 : 0) + units[unit];
};

export const NOTHING = '–';
export const exactly = known((n) => written(n, 0));
export const figure = known((n) => (n < 10_000 ? written(n, n < 10 ? 1 : 0) : scaled(n, 1_000, ['', ' k', ' M', ' G'])));
export const bytes = known((n) => scaled(n, 1_024, [' B', ' KB', ' MB', ' GB']));
export const micros = known((n) => scaled(n, 1_000, [' µs', ' ms', ' s']));
export const percent = known((n) => `${written(n * 100, 1)} %`);
export const count = (n, one) => `${exactly(n)} ${one}${n === 1 ? '' : 's'}`;
export const clock = (ms) => new Date(ms).toLocaleTimeString('en-GB');
export const moment = (ms) => new Date(ms).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' });

const UNITS = [[86_400, 'd'], [3_600, 'h'], [60, 'min'], [1, 's']];

/** How long something lasts, in its two largest units. */
export function lasting(ms) {
  let left = Math.round(ms / 1_000);
  const words = [];
  for (const [seconds, unit] of UNITS) {
    const n = Math.floor(left / seconds);
    left %= seconds;
    if (n || words.length) words.push(n ? `${n} ${unit}` : '');
  }
  return words.slice(0, 2).join(' ').trim() || '0 s';
}

const PROTOCOLS = { v1: 'Rich WebSocket', raw: 'Plain WebSocket', socketio: 'Socket.IO', sse: 'Event stream', post: 'HTTP post' };
export const protocolName = (name) => PROTOCOLS[name] ?? name;

/** What a column that is split by a label is called. */
export function columnName(name) {
  const [kind, label] = name.split(':');
  return kind === 'protocol' ? protocolName(label) : kind === 'cpu' ? `shard ${label}` : label;
}
