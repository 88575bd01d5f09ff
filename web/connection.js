// The button that shows the connection's state, and the facts behind it.

import { byId, element, setText } from './elements.js';
import { count } from './words.js';

const FRESH_MS = 2_000;
const WORDS = { connecting: 'Connecting', online: 'Connected', waiting: 'Reconnecting', closed: 'Not connected' };

const popover = byId('line-facts');

/** Shows the state; measures while somebody looks. */
export function showConnection(chat, room) {
  byId('line').dataset.state = chat.state.name;
  setText(byId('line-word'), WORDS[chat.state.name]);
  popover.ontoggle = () => measure(chat, room);
  draw(chat, room);
}

async function measure(chat, room) {
  while (popover.matches(':popover-open')) {
    await chat.time().catch(() => {});
    draw(chat, room);
    await new Promise((done) => setTimeout(done, FRESH_MS));
  }
}

function draw({ stats }, room) {
  const facts = {
    Protocol: stats.protocol,
    'Round trip': `${stats.roundTripMs?.toFixed(1) ?? '–'} ms`,
    Position: room.at ?? '–',
    Resumed: count(stats.resumed, 'time'),
  };
  byId('facts').replaceChildren(...Object.entries(facts).flatMap(([term, fact]) => [element('dt', {}, term), element('dd', {}, fact)]));
}
