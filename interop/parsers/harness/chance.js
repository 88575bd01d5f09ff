// Values made up at random, the same ones from the same seed.

const WORDS = ['', 'a', 'message', 'joinRoom', 'grüße', '€', '😀', '"\\', '\n\r\t\u0000', '\u2028', '[{,:}]', '_placeholder', '4', 'b4'];
const NUMBERS = [0, 1, -1, 127, 128, -32, -33, 255, 256, 65535, 65536, -129, -32769, 2 ** 31, -(2 ** 31) - 1, 2 ** 32, 2 ** 53 - 1, 1.5, -0.125, 1e-7];

export class Chance {
  #state;

  constructor(seed) {
    this.#state = seed;
  }

  /** A whole number from 0 on, less than `bound`. */
  below(bound) {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * bound);
  }

  one(list) {
    return list[this.below(list.length)];
  }

  several(most, make) {
    return Array.from({ length: this.below(most + 1) }, make);
  }

  text() {
    return this.several(4, () => this.one(WORDS)).join('');
  }

  bytes() {
    return Buffer.from(this.several(this.one([3, 40, 300]), () => this.below(256)));
  }

  /** Any value of JSON; with `binary`, bytes here and there. */
  value(binary, depth = 3) {
    const kind = this.below(depth > 0 ? 8 : 5);
    if (kind === 0) return this.one([null, true, false]);
    if (kind === 1) return this.one(NUMBERS);
    if (kind === 2 && binary) return this.bytes();
    if (kind < 5) return this.text();
    if (kind < 7) return this.several(this.one([3, 20]), () => this.value(binary && this.below(4) === 0, depth - 1));
    // Among bytes we take nothing that calls itself a placeholder, whatever it holds.
    const name = () => this.text().replaceAll('_placeholder', 'k');
    return Object.fromEntries(this.several(4, () => [name(), this.value(binary, depth - 1)]));
  }

  /** A text with one place changed. */
  change(text, alphabet) {
    const characters = [...text];
    const at = this.below(characters.length + 1);
    characters.splice(at, this.below(3), ...this.several(2, () => this.one(alphabet)));
    return characters.join('');
  }
}
