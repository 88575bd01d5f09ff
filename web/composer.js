// Writing: Enter sends, Shift+Enter breaks the line, the box grows with the text.

import { byId } from './elements.js';

const box = byId('text');

/** `send(text)` gets what was written, `typing()` is called meanwhile. */
export function openComposer(send, typing) {
  const submit = (event) => {
    event.preventDefault();
    const text = box.value.trim();
    if (!text || box.disabled) return;
    write('');
    send(text);
  };
  byId('composer').onsubmit = submit;
  box.onkeydown = (event) => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) submit(event);
  };
  box.oninput = () => {
    fit();
    if (box.value) typing();
  };
}

/** Puts a text into the box. */
export function write(text) {
  box.value = text;
  fit();
}

export function composeIn(room) {
  box.placeholder = `Message ${room}`;
  if (matchMedia('(pointer: fine)').matches) box.focus();
}

export function switchComposer(isOn) {
  box.disabled = !isOn;
  fit();
}

function fit() {
  box.style.height = 'auto';
  box.style.height = `${box.scrollHeight + 2}px`;
  byId('send').disabled = box.disabled || !box.value.trim();
}
