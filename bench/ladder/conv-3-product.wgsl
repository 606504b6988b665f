// The convolution y of images x by a kernel w. What is new: one loop instead of three, so that it is a matrix product ("implicit
// GEMM"): C = A · B, where a row of A is the patch that a pixel of y sees, and B is w as it lies in memory.
//
//   rows n i j, columns o, inner p = u v c        A[n i j, u v c] = x[n, i · stride + u - pad, j · stride + v - pad, c]
//
// A is never stored: `loadA` finds its numbers in x. That costs divisions for every number, and gains nothing by itself. What it
// buys is the next rung, which is the matrix product's best one with this loadA.

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

fn loadA(pixel: u32, p: u32) -> f32 {
  let n = pixel / (size.rows * size.columns);
  let i = pixel / size.columns % size.rows;
  let j = pixel % size.columns;
  let u = p / (size.kw * size.c);
  let v = p / size.c % size.kw;
  let c = p % size.c;
  // Unsigned: what is above the image or left of it wraps round to a very large number, and is outside as well.
  let row = i * size.stride + u - size.pad;
  let col = j * size.stride + v - size.pad;
  if (row >= size.h || col >= size.w) { return 0.0; } // padding
  return x[((n * size.h + row) * size.w + col) * size.c + c];
}

// Four of eight numbers, without the first few.
fn without(few: u32, near: vec4f, far: vec4f) -> vec4f {
  switch few {
    case 0u: { return near; }
    case 1u: { return vec4f(near.yzw, far.x); }
    case 2u: { return vec4f(near.zw, far.xy); }
    default: { return vec4f(near.w, far.xyz); }
  }
}

// Four columns of B. Where there are no multiple of four, most rows begin within a vector, and four lie in two of them.
fn loadB(p: u32, o: u32) -> vec4f {
  let at = p * size.oc + o;
  let four = w[at / 4u];
  if (at % 4u == 0u) { return four; }
  return without(at % 4u, four, w[at / 4u + 1u]);
}

@compute @workgroup_size(ACROSS, DOWN)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let pixel = group.y * HEIGHT + lane.y;
  let o = group.x * WIDTH + 4u * lane.x;
  if (pixel >= size.n * size.rows * size.columns || o >= size.oc) {
    return; // the last workgroups hang over the edge
  }
  // C[i, j] = Σp A[i, p] · B[p, j], for o, o + 1, o + 2, o + 3
  var sums = vec4f();
  for (var p = 0u; p < size.kh * size.kw * size.c; p++) {
    sums += loadA(pixel, p) * loadB(p, o);
  }
  for (var e = 0u; e < 4u && o + e < size.oc; e++) {
    y[pixel * size.oc + o + e] = sums[e];
  }
}
