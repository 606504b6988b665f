// C = A · B, as it is defined. One invocation makes one element of C, from a row of A and a column of B.
//
// Invocations that run side by side, lane.x and lane.x + 1, stand in neighbouring rows of C. At the same moment they read numbers of
// A that lie a whole row apart in memory: each fetches a piece of memory of its own, and uses one number of it.

const HEIGHT = 16u; // rows of C that a workgroup makes, …
const WIDTH = 16u; // … and columns

struct Size { m: u32, n: u32, k: u32 }

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
@group(0) @binding(3) var<uniform> size: Size;

@compute @workgroup_size(HEIGHT, WIDTH)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = group.y * HEIGHT + lane.x;
  let col = group.x * WIDTH + lane.y;
  if (row >= size.m || col >= size.n) {
    return; // the last workgroups hang over the edge
  }
  // C[i, j] = Σp A[i, p] · B[p, j]
  var sum = 0.0;
  for (var p = 0u; p < size.k; p++) {
    sum += a[row * size.k + p] * b[p * size.n + col];
  }
  c[row * size.n + col] = sum;
}
