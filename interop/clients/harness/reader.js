// The `eventsource` package, which is a browser's EventSource on Node, as a reader of one room.

import { EventSource } from 'eventsource';
import { Listener } from './listener.js';

export class Reader extends Listener {
  constructor(page, room, since = '') {
    super();
    this.source = new EventSource(`${page}/events/${room}?since=${since}`);
    for (const kind of ['message', 'joined', 'presence', 'lost', 'closing']) {
      this.source.addEventListener(kind, ({ data, lastEventId }) => this.hear({ kind, id: lastEventId, ...JSON.parse(data) }));
    }
  }

  /** Its messages, once there are so many. */
  messages(count) {
    const messages = (heard) => heard.filter(({ kind }) => kind === 'message');
    return this.until((heard) => messages(heard).length >= count).then(messages);
  }
}
