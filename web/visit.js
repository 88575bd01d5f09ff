// The door: a name, a room, one button.

import { byId, setText } from './elements.js';
import { nameFault } from './words.js';

const inputs = [byId('name'), byId('room')];

/** Calls `enter(name, room)` once both can be used. */
export function openDoor(enter) {
  byId('visit').onsubmit = (event) => {
    event.preventDefault();
    const faulty = inputs.filter((input) => show(input, nameFault(input.value.trim())));
    if (faulty.length) faulty[0].focus();
    else enter(...inputs.map((input) => input.value.trim()));
  };
  for (const input of inputs) input.oninput = () => show(input, '');
}

export function showDoor(...values) {
  document.documentElement.dataset.view = 'door';
  document.title = 'Heimdallr';
  inputs.forEach((input, index) => (input.value ||= values[index] ?? ''));
  inputs.find((input) => !input.value)?.focus();
}

function show(input, fault) {
  setText(byId(`${input.id}-fault`), fault);
  input.ariaInvalid = !!fault;
  return fault;
}
