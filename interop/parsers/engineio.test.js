// Our Engine.IO beside the parsers of the JavaScript server and client: each reads what the other writes, and what we take
// of the malformed they take for the same.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as v4 from 'engine.io-parser';
import v3 from 'engine.io-parser-v3';
import { Chance } from './harness/chance.js';
import { content, message, startCodec } from './harness/codec.js';

const ROUNDS = 1000;
const TYPES = ['open', 'close', 'ping', 'pong', 'message', 'upgrade', 'noop'];
const ALPHABET = ['4', 'b', '0', '1', '2', '9', ':', '\x1e', '=', 'A', '€', '😀', '-'];

let ours;
before(async () => (ours = await startCodec()));
after(() => ours.stop());

const THEIRS = {
  4: {
    write: (packet, binary) => new Promise((resolve) => v4.encodePacket(packet, binary, resolve)),
    read: (encoded) => v4.decodePacket(encoded),
    writeAll: (packets) => new Promise((resolve) => v4.encodePayload(packets, resolve)),
    readAll: (encoded) => v4.decodePayload(encoded),
  },
  3: {
    write: (packet, binary) => new Promise((resolve) => v3.encodePacket(packet, binary, false, resolve)),
    read: (encoded) => v3.decodePacket(encoded),
    writeAll: (packets, binary) => new Promise((resolve) => v3.encodePayload(packets, binary, resolve)),
    readAll: (encoded) => {
      const packets = [];
      v3.decodePayload(encoded, (packet) => void packets.push(packet));
      return packets;
    },
  },
};

/** A packet as both sides' packets compare. */
const plain = ({ type = 'message', data, text, base64 }) => {
  const bytes = base64 === undefined ? data : Buffer.from(base64, 'base64');
  return Buffer.isBuffer(bytes) ? { bytes: bytes.toString('hex') } : { type, text: text ?? data ?? '' };
};

/** A packet as the program takes it. */
const task = ({ type, data }) => (Buffer.isBuffer(data) ? message(data) : { type, text: data });

const packet = (chance) =>
  chance.below(4) === 0
    ? { type: 'message', data: chance.bytes() }
    : { type: chance.one(TYPES), data: chance.text().replaceAll('\x1e', '') };

for (const eio of ['4', '3']) {
  const theirs = THEIRS[eio];

  test(`messages of revision ${eio} are read by the other side, both ways`, async () => {
    const chance = new Chance(Number(eio));
    for (let round = 0; round < ROUNDS; round++) {
      const [sent, binary] = [packet(chance), chance.below(2) === 0];
      const written = await theirs.write(sent, binary);
      const read = await ours.ask('readMessage', { eio, message: message(written) });
      assert.deepEqual(read.messages?.map(plain), [plain(sent)]);
      const answer = await ours.ask('writeMessage', { eio, packet: task(sent), takesBinary: binary });
      assert.deepEqual(content(answer.messages[0]), written);
      assert.deepEqual(plain(theirs.read(content(answer.messages[0]))), plain(sent));
    }
  });

  test(`payloads of revision ${eio} are read by the other side, both ways`, async () => {
    const chance = new Chance(10 + Number(eio));
    for (let round = 0; round < ROUNDS; round++) {
      const [sent, binary] = [[packet(chance), ...chance.several(5, () => packet(chance))], chance.below(2) === 0];
      const written = await theirs.writeAll(sent, binary);
      const read = await ours.ask('readPayload', { eio, message: message(written) });
      assert.deepEqual(read.messages?.map(plain), sent.map(plain));
      const packets = sent.map(task);
      const answer = await ours.ask('writePayload', { eio, packets, takesBinary: binary });
      assert.deepEqual(content(answer.messages[0]), written);
      assert.deepEqual(theirs.readAll(content(answer.messages[0])).map(plain), sent.map(plain));
    }
  });

  test(`what we take of changed payloads of revision ${eio} is what they take`, async () => {
    const chance = new Chance(20 + Number(eio));
    let taken = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const written = await theirs.writeAll([packet(chance), ...chance.several(2, () => packet(chance))], false);
      const changed = chance.change(written, ALPHABET);
      const { messages } = await ours.ask('readPayload', { eio, message: message(changed) });
      if (messages) {
        taken++;
        assert.deepEqual(messages.map(plain), theirs.readAll(changed).map(plain), JSON.stringify(changed));
      }
    }
    assert.ok(taken > 20 && taken < ROUNDS, `${taken} taken`);
  });
}
