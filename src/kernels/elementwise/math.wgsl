// Elementary functions that are right on every driver. WGSL's own may be wrong by 2⁻¹¹ (sin, cos), by 0.5 % near 1
// (log), or NaN at 100 (tanh), and it may be assumed that infinities do not occur. Names end in _ beside a built-in.
// The polynomials are series cut off where the next term is below f32; ranges are reduced so that they are short.

@group(0) @binding(0) var<storage, read_write> y: array<f32>;

fn infinity() -> f32 {
  var bits = 0x7f800000u; // a variable: the compiler refuses an infinite constant
  return bitcast<f32>(bits);
}

fn nan() -> f32 {
  var bits = 0x7fc00000u;
  return bitcast<f32>(bits);
}

// log(1 + x) for |x| < 0.42, as 2 · artanh(x / (2 + x)).
fn log1pNearZero(x: f32) -> f32 {
  let z = x / (2.0 + x);
  let q = z * z;
  return 2.0 * z + 2.0 * z * q * (0.333333333 + q * (0.2 + q * (0.142857143 + q * (0.111111111 + q * 0.0909090909))));
}

// x = m · 2^e with m in [√½, √2), so that log x = e · log 2 + log m.
fn log_(x: f32) -> f32 {
  if (x == 0.0) { return -infinity(); }
  if (x < 0.0) { return nan(); } // some drivers have a number for it
  let bits = bitcast<u32>(x);
  if (bits >= 0x7f800000u) { return x; } // infinity and NaN
  var shift = 0;
  var y = x;
  if (bits < 0x00800000u) { y = x * 8388608.0; shift = -23; } // subnormal
  let high = bitcast<u32>(y) - 0x3f3504f3u; // from √½
  let e = bitcast<i32>(high) >> 23u;
  let m = bitcast<f32>((high & 0x007fffffu) + 0x3f3504f3u);
  let k = f32(e + shift);
  // log 2 in two parts, the first short enough to make k · it exact
  return k * 0.693359375 + (log1pNearZero(m - 1.0) - k * 2.12194440e-4);
}

fn log1p_(x: f32) -> f32 {
  if (abs(x) < 0.41) { return log1pNearZero(x); }
  return log_(1.0 + x);
}

fn expm1_(x: f32) -> f32 {
  if (abs(x) > 0.5) { return exp(x) - 1.0; }
  return x + x * x * (0.5 + x * (0.166666667 + x * (0.0416666667 + x * (0.00833333333 + x * (0.00138888889 + x * (0.000198412698 + x * 0.0000248015873))))));
}

// expm1(2x) / (expm1(2x) + 2), on the side where it is at most 1; beyond 10 the answer is 1.
fn tanh_(x: f32) -> f32 {
  let e = expm1_(2.0 * min(abs(x), 10.0));
  let y = e / (e + 2.0);
  return select(y, -y, x < 0.0);
}

fn erf_(x: f32) -> f32 {
  let q = x * x;
  if (abs(x) < 0.9) { // 2/√π · Σ (-1)ⁿ x²ⁿ⁺¹ / (n! (2n + 1))
    return x * (1.12837917 - q * (0.376126389 - q * (0.112837917 - q * (0.0268661706 - q * (0.00522397762
      - q * (0.000854832702 - q * (0.000120553330 - q * (0.0000149256504 - q * 0.00000164621144))))))));
  }
  // Abramowitz and Stegun, 7.1.26: good to 1.5·10⁻⁷
  let t = 1.0 / (1.0 + 0.3275911 * abs(x));
  let p = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  let y = 1.0 - p * exp(-q);
  return select(y, -y, x < 0.0);
}

// The remainder with the sign of b. A quotient may be off by a unit in the last place: a multiple of b then seems one short.
fn mod_(a: f32, b: f32) -> f32 {
  let r = a - floor(a / b) * b;
  return select(r, 0.0, r == b);
}

// a to the power b; a negative base is right where b is whole.
fn pow_(a: f32, b: f32) -> f32 {
  if (b == 0.0) { return 1.0; }
  if (a == 0.0) { return select(infinity(), 0.0, b > 0.0); }
  let y = exp(b * log_(abs(a)));
  if (a > 0.0) { return y; }
  if (b != floor(b)) { return nan(); } // no real power
  return select(y, -y, fract(b * 0.5) != 0.0);
}

// sin and cos of r for |r| ≤ π/4.
fn sinNear(r: f32) -> f32 {
  let q = r * r;
  return r - r * q * (0.166666667 - q * (0.00833333333 - q * (0.000198412698 - q * 0.00000275573192)));
}

fn cosNear(r: f32) -> f32 {
  let q = r * r;
  return 1.0 - q * (0.5 - q * (0.0416666667 - q * (0.00138888889 - q * 0.0000248015873)));
}

// The angle π/2 · quarter + r, with the quarter turn read off the integer.
fn turned(quarter: i32, r: f32) -> f32 {
  let y = select(sinNear(r), cosNear(r), (quarter & 1) == 1);
  return select(y, -y, (quarter & 2) == 2);
}

// x less the nearest multiple of π/2, which is subtracted in three parts so that little is lost up to |x| = 10⁴.
fn withinQuarter(x: f32, quarters: f32) -> f32 {
  return ((x - quarters * 1.5703125) - quarters * 0.000483751296) - quarters * 0.0000000754978995;
}

fn sin_(x: f32) -> f32 {
  let quarters = round(x * 0.636619772);
  return turned(i32(quarters), withinQuarter(x, quarters));
}

fn cos_(x: f32) -> f32 {
  let quarters = round(x * 0.636619772);
  return turned(i32(quarters) + 1, withinQuarter(x, quarters));
}

// Every function once, so that this file compiles alone.
@compute @workgroup_size(1)
fn main() {
  let x = y[0];
  y[0] = log1p_(x) + tanh_(x) + erf_(x) + mod_(x, x) + pow_(x, x) + sin_(x) + cos_(x);
}
