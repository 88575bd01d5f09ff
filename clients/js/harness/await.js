// Waiting for what a client says, with a bound and a reason instead of a sleep.

const PATIENCE_MS = 15_000;

/** The next `event` of a client or room that `fits`. */
export function next(emitter, event, fits = () => true) {
  return bounded(`${event} of ${emitter.name ?? emitter.url}`, (resolve) => {
    const off = emitter.on(event, (value) => {
      if (!fits(value)) return;
      off();
      resolve(value);
    });
    return off;
  });
}

/** Resolves when `isTrue` holds, looked at after every `event`. */
export async function until(emitter, event, isTrue) {
  if (!isTrue()) await next(emitter, event, isTrue);
}

/** The state a client comes to, now or later. */
export async function state(chat, name) {
  await until(chat, 'state', () => chat.state.name === name);
  return chat.state;
}

/** The room once everything up to its joining was shown. */
export async function live(room) {
  await until(room, 'live', () => room.state === 'live');
  return room;
}

/** The refusal that a promise ends in. */
export async function refusal(promise) {
  const value = await promise.then(
    () => undefined,
    (error) => error,
  );
  if (value === undefined) throw new Error('was not refused');
  return value;
}

function bounded(what, start) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      stop();
      reject(new Error(`no ${what} within ${PATIENCE_MS} ms`));
    }, PATIENCE_MS);
    const stop = start((value) => {
      clearTimeout(timer);
      resolve(value);
    });
  });
}
