// The convolution y of images x by a kernel w. What is new: one invocation makes four neighbouring channels of a pixel, as a vector.
// Each number of x is read once for four products, where rung 1 reads it for one; and w is read by fours.

const DOWN = 16u; // invocations of a workgroup
const ACROSS = 16u;
const HEIGHT = DOWN; // pixels of y that a workgroup makes, …
const WIDTH = ACROSS * 4u; // … and channels of them, four for each invocation

// Images are [n, h, w, c], kernels [kh, kw, c, oc], results [n, rows, columns, oc].
struct Size { n: u32, h: u32, w: u32, c: u32, kh: u32, kw: u32, oc: u32, rows: u32, columns: u32, stride: u32, pad: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> size: Size;

// Four of eight numbers, without the first few.
fn without(few: u32, near: vec4f, far: vec4f) -> vec4f {
  switch few {
    case 0u: { return near; }
    case 1u: { return vec4f(near.yzw, far.x); }
    case 2u: { return vec4f(near.zw, far.xy); }
    default: { return vec4f(near.w, far.xyz); }
  }
}

// Four channels of w. Where there are no multiple of four, most rows begin within a vector, and four lie in two of them.
fn loadW(row: u32, o: u32) -> vec4f {
  let at = row * size.oc + o;
  let four = w[at / 4u];
  if (at % 4u == 0u) { return four; }
  return without(at % 4u, four, w[at / 4u + 1u]);
}

@compute @workgroup_size(ACROSS, DOWN)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let pixel = group.y * HEIGHT + lane.y;
  let o = group.x * WIDTH + 4u * lane.x;
  let n = pixel / (size.rows * size.columns);
  let i = pixel / size.columns % size.rows;
  let j = pixel % size.columns;
  if (n >= size.n || o >= size.oc) {
    return; // the last workgroups hang over the edge
  }
  // y[n, i, j, o] = Σ x[n, i · stride + u - pad, j · stride + v - pad, c] · w[u, v, c, o], for o, o + 1, o + 2, o + 3
  var sums = vec4f();
  for (var u = 0u; u < size.kh; u++) {
    for (var v = 0u; v < size.kw; v++) {
      // Unsigned: what is above the image or left of it wraps round to a very large number, and is outside as well.
      let row = i * size.stride + u - size.pad;
      let col = j * size.stride + v - size.pad;
      if (row >= size.h || col >= size.w) {
        continue; // padding: zeros
      }
      let place = ((n * size.h + row) * size.w + col) * size.c;
      let tap = (u * size.kw + v) * size.c;
      for (var c = 0u; c < size.c; c++) {
        sums += x[place + c] * loadW(tap + c, o);
      }
    }
  }
  for (var e = 0u; e < 4u && o + e < size.oc; e++) {
    y[pixel * size.oc + o + e] = sums[e];
  }
}
