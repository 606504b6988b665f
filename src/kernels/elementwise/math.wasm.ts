// Elementary functions of four floats at a time. Nothing branches and nothing is called: where the method depends on the
// argument, both ways are computed, and a mask chooses. What is infinite, subnormal or no number comes out as in js.
//
// Each function first brings its argument into a short range. There a polynomial is enough, whose coefficients are those
// with the smallest largest error, rounded to f32 one after the other. Together with all roundings, results are off by less
// than 2 ulp unless said otherwise; test/wasm-math.test.ts has the bound of each.

import type { Floats, Ints } from "../devices/wasm/assembler.ts";

/** c₀ + c₁ x + c₂ x² + …, by Horner's rule. */
function polynomial(x: Floats, ...c: readonly number[]): Floats {
  let y = x.in.asFloats(c[c.length - 1]);
  for (let i = c.length - 2; i >= 0; i--) y = y.madd(x, c[i]);
  return y;
}

/** A magnitude with the sign of another number. */
const signed = (magnitude: Floats, sign: Floats): Floats => magnitude.bits().or(sign.bits().and(0x80000000)).asFloats();

// A sum with this has its fraction rounded away, and the whole part in its lowest bits: next to 1.5 · 2²³ floats are 1 apart.
const ROUNDING = 1.5 * 2 ** 23;
// log 2 in two parts, the first short enough to make whole multiples of it exact.
export const LN2_HIGH = 0.693359375;
export const LN2_LOW = -2.1219444e-4;

/** x = n · log 2 + r with |r| ≤ ½ log 2. In the lowest bits of `shifted` stands n + bias, where an exponent is made of it. */
function splitByLog2(x: Floats, bias: number): { r: Floats; shifted: Ints } {
  const shifted = x.madd(Math.LOG2E, ROUNDING + bias);
  const n = shifted.sub(ROUNDING + bias);
  const r = n.madd(-LN2_LOW, n.madd(-LN2_HIGH, x));
  return { r, shifted: shifted.bits() };
}

/** 2^(n - 127), where n stands in the lowest bits. */
const power2 = (n: Ints): Floats => n.shl(23).asFloats();

/** exp(r) for |r| ≤ ½ log 2. */
const expNear0 = (r: Floats): Floats =>
  polynomial(r, 0.49999994, 0.166665211, 0.0416682661, 0.00836867746, 0.00138207339).madd(r.mul(r), r).add(1);

/** exp(x), or exp(x + low) for a `low` that x would round off. The power of 2 comes in two halves: 2¹²⁸ and 2⁻¹⁵⁰ are no floats. */
export function exp(x: Floats, low?: Floats): Floats {
  const { r, shifted } = splitByLog2(x.lesser(89).greater(-104), 2 * 127);
  const half = shifted.shr(1);
  return expNear0(low ? r.add(low) : r)
    .mul(power2(half))
    .mul(power2(shifted.sub(half)));
}

/** exp(x) for x ≤ 0: one power of 2 is enough, and 2⁶⁴ keeps it from becoming too small. */
export function expOfNegative(x: Floats): Floats {
  const { r, shifted } = splitByLog2(x.greater(-104), 127 + 64);
  return expNear0(r)
    .mul(power2(shifted))
    .mul(2 ** -64);
}

/** exp(x) - 1 = 2ⁿ (exp(r) - 1) + (2ⁿ - 1), all of it halved until the end, for 2¹²⁸ is no float. */
export function expm1(x: Floats): Floats {
  const { r, shifted } = splitByLog2(x.lesser(89).greater(-25), 127 - 1);
  const p = polynomial(r, 0.5, 0.166666657, 0.0416664928, 0.00833354518, 0.00139323308, 0.000197625719).madd(r.mul(r), r);
  const scale = power2(shifted);
  const half = p.madd(scale, scale.sub(0.5));
  return half.add(half);
}

const SQRT_HALF = 0x3f3504f3; // √½ as bits

/** e of a normal x = 2^e · m with m in [√½, √2). */
const exponentOf = (x: Floats): Ints => x.bits().sub(SQRT_HALF).sar(23);

/** A positive x, as 2^e (1 + z) with 1 + z in [√½, √2). Subnormal numbers are taken times 2³². */
export function splitByPower2(x: Floats): { z: Floats; e: Floats } {
  const isSmall = x.lt(2 ** -126);
  const { z, e } = splitNormal(isSmall.floats(x.mul(2 ** 32), x));
  return { z, e: e.add(isSmall.floats(-32, 0)) };
}

function splitNormal(x: Floats): { z: Floats; e: Floats } {
  const e = exponentOf(x);
  const m = x.bits().sub(e.shl(23)).asFloats();
  return { z: m.sub(1), e: e.fromSigned() };
}

/** The polynomial in log(1 + z) = z - ½ z² + z³ (…) for 1 + z in [√½, √2). */
export const logTail = (z: Floats): Floats =>
  polynomial(z, 0.333333313, -0.250008196, 0.200012401, -0.166234016, 0.142016098, -0.131597534, 0.127621144, -0.0763589442);

/** e · log 2 + log(1 + z). */
function logOf({ z, e }: { z: Floats; e: Floats }): Floats {
  const q = z.mul(z);
  const low = e.madd(LN2_LOW, logTail(z).mul(z).mul(q));
  return e.madd(LN2_HIGH, z.add(q.madd(-0.5, low)));
}

/** log x for a normal, positive x. */
export const logOfNormal = (x: Floats): Floats => logOf(splitNormal(x));

/** What the logarithm of an extraordinary x lacks, to be added: -∞ at 0, NaN below, x itself if it is ∞ or NaN; else 0. */
export function logOfExtraordinary(x: Floats): Floats {
  const zero = x.in.asFloats(Number.NEGATIVE_INFINITY).where(x.eq(0)).bits();
  const notFinite = x.bits().andNot(x.lt(Number.POSITIVE_INFINITY));
  return zero.or(notFinite).or(x.lt(0)).asFloats(); // a mask's bits, all set, are NaN
}

/** log x. */
export const log = (x: Floats): Floats => logOf(splitByPower2(x)).add(logOfExtraordinary(x));

/** log(1 + x), with 1 + z = 2^-e (1 + x): no digit of x is lost to the 1, for z = x · 2^-e + (2^-e - 1) rounds but once. */
export function log1p(x: Floats): Floats {
  const y = x.add(1);
  const e = exponentOf(y);
  const scale = x.in.asInts(0x40800000).sub(e.shl(23)).asFloats(); // 4 · 2^-e, for 2⁻¹²⁸ is no normal number
  const z = x.lesser(MAX).mul(scale).madd(0.25, scale.madd(0.25, -1));
  return logOf({ z, e: e.fromSigned() }).add(logOfExtraordinary(y));
}
const MAX = (2 - 2 ** -23) * 2 ** 127;

/** log(1 + x) for x in [0, 1], by one polynomial. */
export function log1pOfUnit(x: Floats): Floats {
  // biome-ignore format: one line
  const p = polynomial(x, -0.499999315, 0.333304644, -0.24958019, 0.196921021, -0.153448805, 0.106611282, -0.057457231, 0.0200862419, -0.00329046859);
  return p.madd(x.mul(x), x);
}

/** tanh |x| = -t / (t + 2) with t = exp(-2|x|) - 1, which is never above 0. Off by 2.6 ulp at most. */
export function tanh(x: Floats): Floats {
  const t = expm1(x.abs().mul(-2));
  return signed(t.abs().div(t.add(2)), x); // of 0 the negative would be -0
}

/** The error function: x + x · (…) in x² up to 0.9; beyond, 1 - exp(…), for the logarithm of what is left to 1 is smooth. */
export function erf(x: Floats): Floats {
  const q = x.mul(x);
  const near = polynomial(q, 0.128379151, -0.376125067, 0.112819761, -0.0267730672, 0.00500351889, -0.000604783127).madd(x, x);
  const t = x.abs().lesser(3.95); // erf is 1 from there on
  const rest = polynomial(t, -0.000166456288, -1.12779725, -0.636976004, -0.104113817, 0.0223153122, -0.00306552229, 0.000198223483);
  return x
    .abs()
    .lt(0.9)
    .floats(near, signed(expOfNegative(rest).neg().add(1), x));
}

/** sin of π/2 · quarters + r, for |r| ≤ π/4. Of the quarters the lowest two bits count. */
export function turned(quarters: Ints, r: Floats): Floats {
  const q = r.mul(r);
  const sine = polynomial(q, -0.166666552, 0.00833218917, -0.000195182787).madd(r.mul(q), r);
  const cosine = polynomial(q, 0.0416666456, -0.00138873013, 2.44306684e-5).madd(q.mul(q), q.madd(-0.5, 1));
  const isOdd = quarters.shl(31).sar(31);
  const sign = quarters.and(2).shl(30);
  return isOdd.floats(cosine, sine).bits().xor(sign).asFloats();
}

/**
 * x less the nearest multiple of π/2, and how many quarter turns that is. The three parts of π/2 keep sin and cos within 2 ulp up
 * to |x| = 10, and within 10⁻⁷ up to 10⁴; far beyond, they mean nothing.
 */
function withinQuarter(x: Floats): { r: Floats; quarters: Ints } {
  const shifted = x.madd(2 / Math.PI, ROUNDING);
  const n = shifted.sub(ROUNDING);
  const r = n.madd(-7.54978995e-8, n.madd(-4.837512969970703e-4, n.madd(-1.5703125, x)));
  return { r, quarters: shifted.bits() };
}

export function sin(x: Floats): Floats {
  const { r, quarters } = withinQuarter(x);
  return turned(quarters, r);
}

export function cos(x: Floats): Floats {
  const { r, quarters } = withinQuarter(x);
  return turned(quarters.add(1), r);
}

/** The remainder with the sign of b. A quotient that was rounded to the next whole number leaves one outside of [0, b): then it is 0. */
export function mod(a: Floats, b: Floats): Floats {
  const r = a.div(b).floor().neg().madd(b, a);
  return r.mul(b).lt(0).or(r.abs().ge(b.abs())).floats(0, r);
}
