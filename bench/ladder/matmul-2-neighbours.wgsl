// C = A · B. What is new: lane.x runs along the columns. The rest is rung 1.
//
// Invocations that run side by side now read neighbouring numbers of B, and write neighbouring numbers of C: a GPU fetches them
// together, as one piece of memory ("coalesced"). Of A all of them read the same number, which is fetched once.

const HEIGHT = 16u; // rows of C that a workgroup makes, …
const WIDTH = 16u; // … and columns

struct Size { m: u32, n: u32, k: u32 }

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
@group(0) @binding(3) var<uniform> size: Size;

@compute @workgroup_size(WIDTH, HEIGHT)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = group.y * HEIGHT + lane.y;
  let col = group.x * WIDTH + lane.x;
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
