// C = A · B. What is new: workgroup memory. One workgroup makes a TILE × TILE block of C; each invocation makes one element.
//
// All of them need the same TILE rows of A and the same TILE columns of B. So they load them together, a tile at a time, each
// invocation one number of each, into memory that they share. Every number is read from memory 1/TILE times as often as before.

const TILE = 16u;

struct Size { m: u32, n: u32, k: u32 }

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
@group(0) @binding(3) var<uniform> size: Size;

fn loadA(row: u32, p: u32) -> f32 {
  if (row >= size.m || p >= size.k) { return 0.0; } // the last tiles hang over the edge
  return a[row * size.k + p];
}

fn loadB(p: u32, col: u32) -> f32 {
  if (p >= size.k || col >= size.n) { return 0.0; }
  return b[p * size.n + col];
}

var<workgroup> tileA: array<array<f32, TILE>, TILE>; // [row][p]
var<workgroup> tileB: array<array<f32, TILE>, TILE>; // [p][col]

@compute @workgroup_size(TILE, TILE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = group.y * TILE + lane.y;
  let col = group.x * TILE + lane.x;
  // C[i, j] = Σp A[i, p] · B[p, j], with p = p0 + q
  var sum = 0.0;
  for (var p0 = 0u; p0 < size.k; p0 += TILE) {
    tileA[lane.y][lane.x] = loadA(row, p0 + lane.x);
    tileB[lane.y][lane.x] = loadB(p0 + lane.y, col);
    workgroupBarrier(); // nobody reads before all have written
    for (var q = 0u; q < TILE; q++) {
      sum += tileA[lane.y][q] * tileB[q][lane.x];
    }
    workgroupBarrier(); // nobody writes again before all have read
  }
  if (row < size.m && col < size.n) {
    c[row * size.n + col] = sum;
  }
}
