// BLAKE2b (RFC 7693) of a word, without a key, as the first 8 bytes of a digest of that length.

const START = [
  0x6a09e667f3bcc908n, 0xbb67ae8584caa73bn, 0x3c6ef372fe94f82bn, 0xa54ff53a5f1d36f1n,
  0x510e527fade682d1n, 0x9b05688c2b3e6c1fn, 0x1f83d9abfb41bd6bn, 0x5be0cd19137e2179n,
];

// The order in which each of the first ten rounds takes the words of a block; two more repeat the first two.
const ORDERS = [
  "0123456789abcdef", "ea489fd61c02b753",
  "b8c052fdae367194", "7931dcbe265a40f8",
  "905724afe1bc683d", "2c6a0b834d75fe19",
  "c51fed4a0763928b", "db7ec13950f4862a",
  "6fe9b308c2d714a5", "a2847615fb9e3cd0",
];

const LANES = [
  [0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15], [0, 5, 10, 15], [1, 6, 11, 12], [2, 7, 8, 13], [3, 4, 9, 14],
];

const BLOCK = 128;

/** Hashes a word in UTF-8 to a whole number, read from the lowest byte on. */
export function hashWord(word) {
  const bytes = new TextEncoder().encode(word);
  const state = [...START];
  state[0] ^= 0x01010008n; // digests of 8 bytes, no key
  const blocks = Math.max(1, Math.ceil(bytes.length / BLOCK));
  for (let i = 0; i < blocks; i++) {
    const block = new DataView(new ArrayBuffer(BLOCK));
    bytes.subarray(i * BLOCK, (i + 1) * BLOCK).forEach((byte, at) => block.setUint8(at, byte));
    compress(state, block, Math.min(bytes.length, (i + 1) * BLOCK), i === blocks - 1);
  }
  return state[0];
}

function compress(state, block, counted, isLast) {
  const message = Array.from({ length: 16 }, (_, i) => block.getBigUint64(8 * i, true));
  const v = [...state, ...START];
  v[12] ^= BigInt(counted);
  if (isLast) v[14] ^= 0xffffffffffffffffn;
  for (let round = 0; round < 12; round++) {
    const order = ORDERS[round % 10];
    LANES.forEach(([a, b, c, d], k) => {
      const [x, y] = [order[2 * k], order[2 * k + 1]].map((digit) => message[parseInt(digit, 16)]);
      for (const [word, first, second] of [[x, 32n, 24n], [y, 16n, 63n]]) {
        v[a] = BigInt.asUintN(64, v[a] + v[b] + word);
        v[d] = rotate(v[d] ^ v[a], first);
        v[c] = BigInt.asUintN(64, v[c] + v[d]);
        v[b] = rotate(v[b] ^ v[c], second);
      }
    });
  }
  for (let i = 0; i < 8; i++) state[i] ^= v[i] ^ v[i + 8];
}

function rotate(word, bits) {
  return (word >> bits) | BigInt.asUintN(64, word << (64n - bits));
}
