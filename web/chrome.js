// The frame: theme, link to the room, the height that phones leave.

import { byId } from './elements.js';
import { recall, remember } from './memory.js';

const root = document.documentElement;
const prefersDark = matchMedia('(prefers-color-scheme: dark)');

export function switchTheme() {
  const other = () => ((recall('theme') ?? (prefersDark.matches ? 'dark' : 'light')) === 'dark' ? 'light' : 'dark');
  const name = () => (byId('theme').ariaLabel = byId('theme').title = `Use the ${other()} theme`);
  byId('theme').onclick = () => {
    root.dataset.theme = other();
    remember('theme', root.dataset.theme);
    name();
  };
  prefersDark.onchange = name;
  name();
}

export const linkTo = (room) => `${location.origin}/?room=${encodeURIComponent(room)}`;

/** Copies the room's link, or shows it where there is no clipboard. */
export async function share(room, say) {
  try {
    await navigator.clipboard.writeText(linkTo(room));
    say('The link is copied.');
  } catch {
    say(`The link: ${linkTo(room)}`);
  }
}

/** Keeps the composer above a keyboard that covers the page. */
export function fitViewport() {
  visualViewport?.addEventListener('resize', () => root.style.setProperty('--height', `${visualViewport.height}px`));
}
