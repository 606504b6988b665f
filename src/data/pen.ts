// A pen: a curve through points, and its ink on pixels. It knows nothing of digits.

/** One point of the pen's path and the radius of the pen there. */
export interface Dot {
  x: number;
  y: number;
  radius: number;
}

const STEPS = 6; // straight pieces per span of the curve

/** A Catmull-Rom curve through the points; a point given twice, the same object, is a corner. The pen's radius is still to be said. */
export function curve(points: readonly (readonly [number, number])[]): Dot[] {
  const path: Dot[] = [{ x: points[0][0], y: points[0][1], radius: 0 }];
  const last = points.length - 1;
  for (let i = 0; i < last; i++) {
    const [a, b, c, d] = [points[Math.max(i - 1, 0)], points[i], points[i + 1], points[Math.min(i + 2, last)]];
    if (b === c) continue; // a corner: no span between its two points
    for (let step = 1; step <= STEPS; step++) {
      const t = step / STEPS;
      path.push({ x: spline(a[0], b[0], c[0], d[0], t), y: spline(a[1], b[1], c[1], d[1], t), radius: 0 });
    }
  }
  return path;
}

/** The cubic from b (t = 0) to c (t = 1) that leaves b along a → c and reaches c along b → d. */
function spline(a: number, b: number, c: number, d: number, t: number): number {
  return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
}

/** Draws the pen's way from a to b: each pixel takes the ink that reaches it, where that is more than it has. */
export function ink(a: Dot, b: Dot, pixels: Uint8Array, size: number): void {
  const dx = b.x - a.x;
  const dy = b.y - a.y;
  const length2 = dx * dx + dy * dy || 1;
  const reach = Math.max(a.radius, b.radius) + 1;
  const left = Math.max(0, Math.floor(Math.min(a.x, b.x) - reach));
  const right = Math.min(size, Math.ceil(Math.max(a.x, b.x) + reach));
  const top = Math.max(0, Math.floor(Math.min(a.y, b.y) - reach));
  const bottom = Math.min(size, Math.ceil(Math.max(a.y, b.y) + reach));
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const px = x + 0.5 - a.x;
      const py = y + 0.5 - a.y;
      const t = Math.min(1, Math.max(0, (px * dx + py * dy) / length2)); // the nearest point is a + t (b - a)
      const radius = a.radius + t * (b.radius - a.radius);
      const cover = Math.min(1, (radius - distance(px - t * dx, py - t * dy)) / 1.15 + 0.5); // a soft edge, 1.15 pixels wide
      const byte = Math.round(255 * cover);
      if (byte > pixels[y * size + x]) pixels[y * size + x] = byte;
    }
  }
}

/** Not Math.hypot, whose last bit differs between machines. */
export const distance = (x: number, y: number): number => Math.sqrt(x * x + y * y);
