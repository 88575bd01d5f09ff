// Our Socket.IO beside the parsers of the JavaScript server and client, old and new and MessagePack: each reads what the
// other writes, and what we take of the malformed they take for the same.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import msgpack from 'socket.io-msgpack-parser';
import * as v5 from 'socket.io-parser';
import v4 from 'socket.io-parser-v4';
import { Chance } from './harness/chance.js';
import { content, message, startCodec } from './harness/codec.js';

const ROUNDS = 1000;
const [CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR, BINARY_EVENT, BINARY_ACK] = [0, 1, 2, 3, 4, 5, 6];
const NAMESPACES = ['/', '/admin', '/a?token=1&b', '/ä'];
const ALPHABET = ['[', ']', '{', '}', '"', ',', ':', '/', '-', '0', '1', '5', 'a', ' ', 'null', '"connect"', '€'];

let ours;
before(async () => (ours = await startCodec()));
after(() => ours.stop());

/** What their decoder makes of some messages: a packet, or nothing. */
function decode(decoder, messages) {
  let packet;
  decoder.on('decoded', (decoded) => (packet = decoded));
  for (const one of messages) decoder.add(one);
  return packet;
}

const THEIRS = {
  5: { write: (packet) => new v5.Encoder().encode({ ...packet }), read: (messages) => decode(new v5.Decoder(), messages) },
  4: {
    write: (packet) => {
      const type = { [EVENT]: BINARY_EVENT, [ACK]: BINARY_ACK }[packet.type];
      const encoded = hasBytes(packet.data) && type ? { ...packet, type } : { ...packet };
      return new Promise((resolve) => new v4.Encoder().encode(encoded, resolve));
    },
    read: (messages) => {
      const packet = decode(new v4.Decoder(), messages);
      const type = { [BINARY_EVENT]: EVENT, [BINARY_ACK]: ACK }[packet.type] ?? packet.type;
      return { ...packet, type };
    },
  },
};

const hasBytes = (value) =>
  Buffer.isBuffer(value) || (value !== null && typeof value === 'object' && Object.values(value).some(hasBytes));

/** A value in the way that two of them compare: bytes as text, dates and the undefined as in JSON. */
const plainValue = (value) =>
  JSON.stringify(value, function (name, converted) {
    const own = this[name];
    if (Buffer.isBuffer(own)) return `bytes ${own.toString('hex')}`;
    return own instanceof ArrayBuffer ? `bytes ${Buffer.from(own).toString('hex')}` : converted;
  });

/** A packet in the way that two of them compare; a name that is a number says its digits. */
function plain({ type, nsp, id, data }) {
  const named = type === EVENT && typeof data[0] === 'number' ? [String(data[0]), ...data.slice(1)] : data;
  return { type, nsp, id: id ?? null, data: plainValue(named ?? null) };
}

/** A packet of theirs in the way that the program takes it, and back. */
function takeApart({ type, nsp, id = null, data = null }) {
  const attachments = [];
  const replace = (value) => {
    if (Buffer.isBuffer(value)) return { _placeholder: true, num: attachments.push(value.toString('base64')) - 1 };
    if (Array.isArray(value)) return value.map(replace);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, replace(one)]));
  };
  return { type, nsp, id, data: replace(data), attachments };
}

function putTogether({ attachments, data, ...packet }) {
  const replace = (value) => {
    if (Array.isArray(value)) return value.map(replace);
    if (value === null || typeof value !== 'object') return value;
    if (value._placeholder && attachments.length) return Buffer.from(attachments[value.num], 'base64');
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, replace(one)]));
  };
  return { ...packet, data: replace(data) };
}

function anyPacket(chance, revision) {
  const [type, nsp] = [chance.one([CONNECT, DISCONNECT, EVENT, EVENT, EVENT, ACK, CONNECT_ERROR]), chance.one(NAMESPACES)];
  if (type === DISCONNECT || (type === CONNECT && revision === 4)) return { type, nsp };
  if (type === CONNECT) return chance.below(2) ? { type, nsp } : { type, nsp, data: { token: chance.value(false) } };
  if (type === CONNECT_ERROR) {
    return { type, nsp, data: chance.below(2) ? chance.text() : { message: chance.text(), data: chance.value(false) } };
  }
  const binary = chance.below(3) === 0;
  const data = chance.several(3, () => chance.value(binary));
  if (takeApart({ data }).attachments.length > 10) return anyPacket(chance, revision);
  const id = type === ACK || chance.below(2) ? chance.below(1000) : undefined;
  return { type, nsp, id, data: type === EVENT ? [chance.text(), ...data] : data };
}

for (const revision of [5, 4]) {
  const theirs = THEIRS[revision];

  test(`packets of revision ${revision} are read by the other side, both ways`, async () => {
    const chance = new Chance(revision);
    for (let round = 0; round < ROUNDS; round++) {
      const sent = anyPacket(chance, revision);
      const written = await theirs.write(sent);
      const { packet, fault } = await ours.ask('readPacket', { messages: written.map(message) });
      assert.equal(fault, undefined, JSON.stringify(written));
      assert.deepEqual(plain(putTogether(packet)), plain(sent));
      const { messages } = await ours.ask('writePacket', { packet: takeApart(sent) });
      assert.deepEqual(plain(theirs.read(messages.map(content))), plain(sent));
    }
  });

  test(`what we take of changed packets of revision ${revision} is what they take`, async () => {
    const chance = new Chance(10 + revision);
    let taken = 0;
    for (let round = 0; round < 3 * ROUNDS; round++) {
      const [text, ...attachments] = await theirs.write(anyPacket(chance, revision));
      const messages = [chance.change(text, ALPHABET), ...attachments];
      const { packet } = await ours.ask('readPacket', { messages: messages.map(message) });
      if (packet) {
        taken++;
        assert.deepEqual(plain(putTogether(packet)), plain(theirs.read(messages)), messages[0]);
      }
    }
    assert.ok(taken > 20 && taken < 3 * ROUNDS, `${taken} taken`);
  });
}

test('packets in MessagePack are read by the other side, both ways', async () => {
  const chance = new Chance(3);
  for (let round = 0; round < ROUNDS; round++) {
    const sent = anyPacket(chance, 5);
    const [written] = new msgpack.Encoder().encode(sent);
    const { packet, fault } = await ours.ask('readMsgpack', { message: message(written) });
    assert.equal(fault, undefined, written.toString('hex'));
    assert.deepEqual(plain(putTogether(packet)), plain(sent));
    const { messages } = await ours.ask('writeMsgpack', { packet: takeApart(sent) });
    assert.deepEqual(plain(decode(new msgpack.Decoder(), messages.map(content))), plain(sent));
  }
});

test('what only JavaScript has becomes what it writes for it in JSON', async () => {
  const dates = [0, 951_827_696_067, -1, 1e12 + 0.5, 8.64e15].map((time) => new Date(time));
  const data = ['odd', undefined, { gone: undefined, date: dates[0] }, ...dates, NaN, new Uint8Array([1, 2]).buffer];
  const [written] = new msgpack.Encoder().encode({ type: EVENT, nsp: '/', data });
  const { packet } = await ours.ask('readMsgpack', { message: message(written) });
  assert.equal(plainValue(putTogether(packet).data), plainValue(data));
});
