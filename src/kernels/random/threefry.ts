// Random bits that are a function of a key and a counter, and of nothing else: Threefry-2x32 with 20 rounds
// ("Parallel Random Numbers: As Easy as 1, 2, 3", Salmon et al. 2011). Additions, rotations and exclusive ors
// only, so that every device makes the same bits. The WGSL twin is threefry.wgsl.

const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24];

/** Two 32-bit words for the key (k0, k1) and the counter (c0, c1). */
export function threefry(k0: number, k1: number, c0: number, c1: number): [number, number] {
  const keys = [k0, k1, k0 ^ k1 ^ 0x1bd11bda];
  let a = (c0 + k0) | 0;
  let b = (c1 + k1) | 0;
  for (let round = 0; round < 20; round++) {
    const r = ROTATIONS[round % 8];
    a = (a + b) | 0;
    b = ((b << r) | (b >>> (32 - r))) ^ a;
    if (round % 4 === 3) {
      const s = (round + 1) / 4; // the key is added again after every fourth round
      a = (a + keys[s % 3]) | 0;
      b = (b + keys[(s + 1) % 3] + s) | 0;
    }
  }
  return [a >>> 0, b >>> 0];
}

/** The upper 24 bits as a number in [0, 1): every value exact in f32. */
export const unit = (bits: number): number => (bits >>> 8) * 2 ** -24;

/** A standard normal from two words (Box and Muller 1958). The first is moved to (0, 1], where the logarithm is finite. */
export const normal = (a: number, b: number): number => Math.sqrt(-2 * Math.log(unit(a) + 2 ** -24)) * Math.cos(2 * Math.PI * unit(b));
