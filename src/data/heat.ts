// Numbers as colours, from black through red to a light yellow: what is brighter is more, also to those who do not tell all colours apart.

/** Red, green and blue at equal distances from 0 to 1: five colours of the map "inferno" (van der Walt and Smith 2015). */
const COLOURS = [
  [0, 0, 4],
  [87, 16, 110],
  [188, 55, 84],
  [249, 142, 9],
  [252, 255, 164],
] as const;

/** Each value as three numbers from 0 to 1: 0 is black and `most` brightest. Values out of range are clipped. */
export function heat(values: ArrayLike<number>, most: number): Float32Array {
  const colours = new Float32Array(3 * values.length);
  for (let i = 0; i < values.length; i++) {
    const place = most > 0 ? Math.min(1, Math.max(0, values[i] / most)) * (COLOURS.length - 1) : 0;
    const first = Math.min(Math.floor(place), COLOURS.length - 2);
    for (let c = 0; c < 3; c++) {
      const [from, to] = [COLOURS[first][c], COLOURS[first + 1][c]];
      colours[3 * i + c] = (from + (place - first) * (to - from)) / 255;
    }
  }
  return colours;
}
