// Threefry-2x32 with 20 rounds: two random words for each key and counter (threefry.ts says where it is from).
// Integers only, so the bits are the same on every driver. One invocation makes one normal number.

struct Size { n: u32, half: u32 }

@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@group(0) @binding(1) var<uniform> size: Size;

fn rotated(x: u32, by: u32) -> u32 {
  return (x << by) | (x >> (32u - by));
}

fn threefry(key: vec2u, counter: vec2u) -> vec2u {
  var keys = array(key.x, key.y, key.x ^ key.y ^ 0x1bd11bdau);
  var early = array(13u, 15u, 26u, 6u);
  var late = array(17u, 29u, 16u, 24u);
  var a = counter.x + key.x;
  var b = counter.y + key.y;
  for (var s = 1u; s <= 5u; s++) { // the key is added again after every fourth round
    for (var round = 0u; round < 4u; round++) {
      a += b;
      b = rotated(b, select(early[round], late[round], s % 2u == 0u)) ^ a;
    }
    a += keys[s % 3u];
    b += keys[(s + 1u) % 3u] + s;
  }
  return vec2u(a, b);
}

// The upper 24 bits as a number in [0, 1): every value exact in f32.
fn unit(bits: u32) -> f32 {
  return f32(bits >> 8u) * 5.9604644775390625e-8;
}

// A standard normal (Box and Muller 1958). The first word is moved to (0, 1], where the logarithm is finite. The quarter
// turn of the angle comes from the upper bits of the second, so that no range needs reducing.
fn normal(words: vec2u) -> f32 {
  let radius = sqrt(-2.0 * log_(unit(words.x) + 5.9604644775390625e-8));
  let bits = words.y >> 8u;
  let quarter = (bits + 0x200000u) >> 22u; // the nearest of the four
  let r = f32(i32(bits) - i32(quarter << 22u)) * 3.7450704e-7; // 2π / 2²⁴
  return radius * turned(i32(quarter) + 1, r);
}

// Where i stands in the permutation of 0 … n-1 that belongs to (seed, epoch): order.ts, with the same letters.
fn permuted(i: u32, n: u32, half: u32, seed: u32, epoch: u32) -> u32 {
  let mask = (1u << half) - 1u;
  var x = i;
  loop {
    var left = x >> half;
    var right = x & mask;
    for (var round = 0u; round < 6u; round++) {
      let mixed = (left ^ threefry(vec2u(seed, epoch), vec2u(round, right)).x) & mask;
      left = right;
      right = mixed;
    }
    x = (left << half) | right;
    if (x < n) { break; }
  }
  return x;
}

// From math.wgsl, in short: replaced when the two are combined.
fn log_(x: f32) -> f32 { return log(x); }
fn turned(quarter: i32, r: f32) -> f32 { return sin(f32(quarter) * 1.57079633 + r); }

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= size.n) { return; }
  y[permuted(id.x, size.n, size.half, 0u, 0u)] = normal(threefry(vec2u(0u, 0u), vec2u(0u, id.x))) + unit(id.x);
}
