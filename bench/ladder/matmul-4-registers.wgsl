// C = A · B. What is new: each invocation makes 4 × 4 elements of C, in registers; so a workgroup of as many makes 64 × 64.
//
// Rung 3 reads two numbers from workgroup memory for each product, and that is what it waits for. Here four numbers of A and four
// of B are read for sixteen products; and every number comes from memory 1/64 times as often as in rung 2, not 1/16.

const SIDE = 16u; // invocations of a workgroup, each way
const EACH = 4u; // elements of C that an invocation makes, each way
const HEIGHT = SIDE * EACH; // rows of C that a workgroup makes, …
const WIDTH = SIDE * EACH; // … and columns
const DEPTH = 16u; // of the slices of A and B that are in workgroup memory at a time: as many as SIDE

struct Size { m: u32, n: u32, k: u32 }

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
@group(0) @binding(3) var<uniform> size: Size;

fn loadA(row: u32, p: u32) -> f32 {
  if (row >= size.m || p >= size.k) { return 0.0; } // the last slices hang over the edge
  return a[row * size.k + p];
}

fn loadB(p: u32, col: u32) -> f32 {
  if (p >= size.k || col >= size.n) { return 0.0; }
  return b[p * size.n + col];
}

var<workgroup> sliceA: array<array<f32, DEPTH>, HEIGHT>; // [row][p]
var<workgroup> sliceB: array<array<f32, WIDTH>, DEPTH>; // [p][col]

@compute @workgroup_size(SIDE, SIDE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  // An invocation's rows and columns lie SIDE apart, so that neighbours read, write and store side by side.
  let row0 = group.y * HEIGHT + lane.y;
  let col0 = group.x * WIDTH + lane.x;
  // C[i, j] = Σp A[i, p] · B[p, j], with p = p0 + q
  var sums = array<array<f32, EACH>, EACH>();
  for (var p0 = 0u; p0 < size.k; p0 += DEPTH) {
    for (var e = 0u; e < EACH; e++) {
      sliceA[lane.y + SIDE * e][lane.x] = loadA(row0 + SIDE * e, p0 + lane.x);
      sliceB[lane.y][lane.x + SIDE * e] = loadB(p0 + lane.y, col0 + SIDE * e);
    }
    workgroupBarrier();
    for (var q = 0u; q < DEPTH; q++) {
      var right: array<f32, EACH>;
      for (var j = 0u; j < EACH; j++) {
        right[j] = sliceB[q][lane.x + SIDE * j];
      }
      for (var i = 0u; i < EACH; i++) {
        let left = sliceA[lane.y + SIDE * i][q];
        for (var j = 0u; j < EACH; j++) {
          sums[i][j] += left * right[j];
        }
      }
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < EACH; i++) {
    for (var j = 0u; j < EACH; j++) {
      let row = row0 + SIDE * i;
      let col = col0 + SIDE * j;
      if (row < size.m && col < size.n) { c[row * size.n + col] = sums[i][j]; }
    }
  }
}
