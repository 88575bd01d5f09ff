// Bans and mutes, and the audit log: who did what.

import { get, path } from './api.js';
import { ask } from './ask.js';
import { button, byId } from './elements.js';
import { Table, watch } from './lists.js';
import { faultLine } from './parts.js';
import { NOTHING, moment } from './words.js';

const LASTING = [['600', '10 minutes'], ['3600', 'an hour'], ['86400', 'a day'], ['604800', 'a week'], ['', 'until it is lifted']];
const HOW = [['seconds', 'For', LASTING, '3600'], ['reason', 'Reason, for the record']];
const WHOM = [['kind', 'Whom', [['user', 'a user'], ['address', 'an address']]], ['whom', 'Name or address'], ['room', 'Room; without one, everywhere']];

const view = byId('moderation');
const who = ({ user, address }) => user ?? address ?? NOTHING;

/** Without `whom`, who that is is asked for too. */
export const askToBan = (whom) => askFor('bans', 'Ban', 'Who is banned leaves, and cannot come in until that is over.', whom);
export const askToMute = (whom) => askFor('mutes', 'Mute', 'Who is muted stays, and may not post until that is over.', whom);

async function askFor(list, verb, words, known) {
  const request = ({ kind, whom, room, seconds, reason }) => {
    const given = known ?? { [kind]: whom, ...(room && { room }) };
    return ['POST', path([list]), { ...given, ...(seconds && { seconds: +seconds }), ...(reason && { reason }) }];
  };
  const title = `${verb} ${known ? who(known) : 'somebody'}${known?.room ? ` in ${known.room}` : ''}`;
  if (await ask(verb, title, words, request, known ? HOW : [...WHOM, ...HOW])) look();
}

async function askToLift(list, entry) {
  if (await ask('Lift', `Lift this for ${who(entry)}?`, 'It is over at once.', () => ['DELETE', path([list, entry.id])])) look();
}

function entries(list, caption, empty) {
  const columns = [
    ['Who', who],
    ['Where', ({ room }) => room ?? 'everywhere'],
    ['Until', ({ until }) => (until ? moment(until) : 'lifted'), 'wide'],
    ['Reason', ({ reason }) => reason ?? NOTHING, 'wide.cut'],
    ['Actions', (row) => [button('Lift', () => askToLift(list, row.item))], 'actions'],
  ];
  return new Table({ caption, columns, key: ({ id }) => id, empty });
}

const bans = entries('bans', 'List of bans', 'Nobody is banned.');
const mutes = entries('mutes', 'List of mutes', 'Nobody is muted.');
const audit = new Table({
  caption: 'List of actions',
  columns: [
    ['When', ({ time }) => moment(time)],
    ['Who', ({ key, address }) => key ?? address ?? NOTHING],
    ['What', ({ action }) => action.replaceAll('_', ' ')],
    ['Where', ({ target }) => target, 'wide.cut'],
    ['Answer', ({ status }) => status, 'number'],
  ],
  key: ({ id }) => id,
  empty: 'Nothing was done yet.',
});

const fault = faultLine();
const look = watch(
  async (isFresh) => {
    const pages = await Promise.all(['bans', 'mutes', 'audit'].map((list) => get(path([list]))));
    if (isFresh()) [bans, mutes, audit].forEach((table, index) => table.show({ items: pages[index].items }));
  },
  () => !view.hidden,
  fault,
);

view.prepend(fault);
for (const [name, table] of Object.entries({ bans, mutes, audit })) byId(name).append(table.element);
byId('ban').onclick = () => askToBan();
byId('mute').onclick = () => askToMute();

export const show = look;
