// Answers put into the page's own WebSocket in place of the server's.

/** Every command that would `do` this is answered so, and not sent; the result ends that. */
export async function answering(tab, verb, answer) {
  await tab.evaluate(([does, object]) => window.answers.set(does, object), [verb, answer]);
  return () => tab.evaluate((does) => window.answers.delete(does), verb);
}

/** Runs in the page before anything else. */
export function listenIn() {
  window.answers = new Map();
  window.sockets = [];
  window.WebSocket = class extends WebSocket {
    constructor(...parameters) {
      super(...parameters);
      window.sockets.push(this);
    }

    send(text) {
      const command = text[0] === '{' ? JSON.parse(text) : {}; // else it is Socket.IO's
      const answer = window.answers.get(command.do);
      if (!answer) return super.send(text);
      const data = JSON.stringify({ ...answer, id: command.id, room: command.room });
      queueMicrotask(() => this.onmessage({ data }));
    }
  };
}
