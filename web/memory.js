// What the browser remembers: name, room, theme. Each tab its own, begun with the last choice.

export function recall(key) {
  try {
    return sessionStorage[key] ?? localStorage[key];
  } catch {} // not allowed here
}

export function remember(key, value) {
  try {
    sessionStorage[key] = localStorage[key] = value;
  } catch {}
}
