/** `epoch:offset`; offsets of a room start at 1 and grow by one with each message. */
export type Position = string;

export interface Message {
  at: Position;
  /** ms since 1970-01-01 UTC, the server's clock */
  time: number;
  /** absent when the author has no name */
  user?: string;
  /** absent when the author gave none */
  id?: string;
  text?: string;
  data?: unknown;
  /** base64, from a binary frame of a plain room */
  binary?: string;
}

/** A text, or a text and any JSON beside it. */
export type Body = string | { text?: string; data?: unknown };

/** Several messages that this session will never get: those after `since`, up to and including `at`. */
export interface Lost {
  since: Position;
  at: Position;
}

/** What was declined, by the server (docs/protocol.md, refusals) or here: `message_too_large`, `queue_full`, `not_joined`, `left`, `closed`, `connection_lost`. */
export class Refused extends Error {
  readonly code: string;
  /** whether the same may succeed later */
  readonly retry: boolean;
}

export interface Options {
  /** without one the session is a guest: it reads and posts, and cannot send or get direct messages */
  user?: string;
  /** belongs to `user`, where users have passwords */
  password?: string;
  /** says who its bearer is, in the place of `user`; a function is asked for a new one at each connection, and before one runs out */
  token?: string | (() => Promise<string>);
  /** position of the last direct message seen; those after it follow */
  inbox?: Position;
  /** the constructor to use where there is no global one, such as that of the package `ws` */
  WebSocket?: unknown;
  /** first bound of the random wait before a new connection; doubles up to `delayMaxMs`. 500 */
  delayMinMs?: number;
  /** 30,000 */
  delayMaxMs?: number;
  /** how long a handshake or a sign of life may take before the connection counts as dead. 8,000 */
  patienceMs?: number;
  /** the same signal goes out at most once in this time. 2,000 */
  signalEveryMs?: number;
  /** commands that may wait for an answer; more are refused with `queue_full`. 1,000 */
  queueMax?: number;
  /** longer commands are refused here with `message_too_large`. 65,536; what the server's `max_message_bytes` says */
  messageBytesMax?: number;
}

export type State =
  | { name: 'connecting'; attempt: number }
  | { name: 'online' }
  /** `retryAt`: when the next attempt starts, ms since 1970 */
  | { name: 'waiting'; code: number; reason: string; attempt: number; retryAt: number }
  /** for good: by `close`, a close code that says not to reconnect, or a refused identity */
  | { name: 'closed'; code: number | string; reason: string };

export interface Stats {
  protocol: string;
  session?: string;
  roundTripMs?: number;
  /** connections made so far */
  connected: number;
  /** rooms taken up again with nothing lost, so far */
  resumed: number;
  /** when the present connection was made, ms since 1970 */
  since?: number;
}

export interface RoomEvents {
  /** `missed` messages follow; `resumed` is absent when no position was asked for */
  joined: { at: Position; resumed?: boolean; missed: number };
  /** everything up to `joined.at` was shown, or told as lost; posts flow from here on */
  live: void;
  message: Message;
  lost: Lost;
  presence: { members: number; guests: number; joined?: string[]; left?: string[] };
  signal: { user?: string; signal: string };
  /** joining was refused; with `retry` it is tried again after `delayMs` */
  refused: { code: string; reason: string; retry: boolean; delayMs?: number };
  /** an operator had the session leave: the room is `left`, and not joined again by itself */
  removed: { code: string; reason: string; retry: boolean };
  /** the connection ended; the room is joined again with the next */
  cut: unknown;
}

/** One room as this session sees it. */
export class Room {
  readonly name: string;
  readonly state: 'joining' | 'catching up' | 'live' | 'refused' | 'left';
  /** position of the last message seen */
  readonly at?: Position;
  readonly members: number;
  readonly guests: number;
  /** names of the members; null where the room is too large for a list */
  readonly present: Set<string> | null;
  /** Calls `listener` at every `event`. Returns what ends that. */
  on<E extends keyof RoomEvents>(event: E, listener: (value: RoomEvents[E]) => void): () => void;
  /**
   * Resolves with the message's position, rejects with `Refused`. Waits while offline, and is sent again when a
   * cut took the answer; the same `id` is the same message.
   */
  post(body: Body, id?: string): Promise<Position>;
  /** The messages just before the position `before`, or the newest, oldest first. `more`: older ones exist. */
  recall(page?: { before?: Position; limit?: number }): Promise<{ messages: Message[]; more: boolean }>;
  /** Tells the others what passes, such as `typing`. Left out when too frequent, or while not in the room. */
  signal(signal: string): void;
  leave(): void;
}

export interface HeimdallrEvents {
  state: State;
  direct: Message;
  /** direct messages that cannot be had any more */
  lost: Lost;
}

/** One connection to a server, kept alive until `close`. */
export class Heimdallr {
  constructor(url: string, options?: Options);
  readonly url: string;
  readonly user?: string;
  readonly state: State;
  readonly stats: Stats;
  readonly rooms: ReadonlyMap<string, Room>;
  /** position of the last direct message seen */
  readonly inbox?: Position;
  /** Calls `listener` at every `event`. Returns what ends that. */
  on<E extends keyof HeimdallrEvents>(event: E, listener: (value: HeimdallrEvents[E]) => void): () => void;
  /** The room of that name, joined now and after every reconnection. `since` asks for what came after a position. */
  join(name: string, options?: { since?: Position }): Room;
  /** Sends to every session of a user. Resolves with the position in the user's inbox, rejects with `Refused`. */
  direct(to: string, body: Body, id?: string): Promise<Position>;
  /** Resolves with the server's time in ms; `stats.roundTripMs` is fresh then. */
  time(): Promise<number>;
  /** Ends a wait. On a connection that seems to work, asks for a sign of life. */
  reconnectNow(): void;
  close(): void;
}
