// a to the power b, four at a time. Not exp(b · log |a|) with functions as they are: an error in the exponent, which may be
// 88, becomes a relative error of the power. So the logarithm and the product carry along what they rounded off.

import type { Floats } from "../devices/wasm/assembler.ts";
import { exp, LN2_HIGH, LN2_LOW, logOfExtraordinary, logTail, splitByPower2 } from "./math.wasm.ts";

/** A number of twice the digits, as a sum of which `low` is what `high` rounded off. */
interface Double {
  readonly high: Floats;
  readonly low: Floats;
}

/** a + b for |a| ≥ |b|, or a = 0. */
function sum(a: Floats, b: Floats): Double {
  const high = a.add(b);
  return { high, low: a.sub(high).add(b) };
}

/** The upper half of the digits: products of two such halves are exact. */
const upper = (x: Floats): Floats => x.bits().and(0xfffff000).asFloats();

/** log x = e log 2 + z - ½ z² + z³ (…), for x > 0. */
function log(x: Floats): Double {
  const { z, e } = splitByPower2(x);
  const half = upper(z);
  const square = half.mul(half).mul(-0.5);
  const squareLow = z.sub(half).mul(z.add(half)).mul(-0.5);
  const near = sum(z, square);
  const all = sum(e.mul(LN2_HIGH), near.high);
  const tail = e.madd(LN2_LOW, logTail(z).mul(z).mul(z.mul(z))).add(squareLow);
  const low = tail.add(near.low.add(all.low));
  return sum(all.high.add(logOfExtraordinary(x)), low);
}

/** a · b. */
function product(a: Floats, b: Double): Double {
  const high = a.mul(b.high);
  const [aUpper, bUpper] = [upper(a), upper(b.high)];
  const [aLower, bLower] = [a.sub(aUpper), b.high.sub(bUpper)];
  const rounded = aLower.madd(bLower, aLower.madd(bUpper, aUpper.madd(bLower, aUpper.mul(bUpper).sub(high))));
  return { high, low: a.madd(b.low, rounded) };
}

/** a to the power b; a may be negative where b is whole. Off by 1.3 ulp; by 9.5 at most, where b · log |a| is large. */
export function pow(a: Floats, b: Floats): Floats {
  const { high, low } = product(b, log(a.abs()));
  const isMiddling = high.abs().lt(128); // beyond, the power is 0, infinite or NaN, and `low` may be NaN
  const y = exp(high, low.where(isMiddling));

  const half = b.mul(0.5);
  const hasFraction = b.ne(b.floor());
  const isOdd = half.ne(half.floor()).andNot(hasFraction);
  const sign = a.bits().and(0x80000000).and(isOdd);
  const noPower = a.lt(0).and(a.gt(Number.NEGATIVE_INFINITY)).and(hasFraction);
  return b.eq(0).floats(1, y.bits().xor(sign).or(noPower).asFloats());
}
