// C[b, i, j] = Σp A[b, i, p] · B[b, p, j]. One invocation makes a block of C of 4 rows and 8 columns in registers: each
// value of A that it loads is used eight times, each of B four times. No workgroup memory, which drivers without a GPU
// are slow at.

struct Size { batch: u32, m: u32, n: u32, k: u32 }

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
@group(0) @binding(3) var<uniform> size: Size;

fn loadA(batch: u32, row: u32, p: u32) -> f32 {
  return a[(batch * size.m + row) * size.k + p];
}

fn loadB(batch: u32, p: u32, col: u32) -> f32 {
  return b[(batch * size.k + p) * size.n + col];
}

fn store(batch: u32, row: u32, col: u32, sum: f32) {
  c[(batch * size.m + row) * size.n + col] = sum;
}

// Invocations of a workgroup. For a C of few rows or columns: in another rectangle, so that few of them stand idle.
const ACROSS = 8u;
const DOWN = 8u;

@compute @workgroup_size(ACROSS, DOWN)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  // 65,535 workgroups per dimension, so very many blocks fold into two
  let block = group.y * groups.x + group.x;
  let blocks = (size.n + 8u * ACROSS - 1u) / (8u * ACROSS); // side by side
  let row = (block / blocks * DOWN + lane.y) * 4u;
  let col = (block % blocks * ACROSS + lane.x) * 8u;
  if (row >= size.m || col >= size.n) {
    return;
  }
  // The last block hangs over the edge: there it computes its last row or column again, and stores it once.
  let rows = min(row + vec4u(0u, 1u, 2u, 3u), vec4u(size.m - 1u));
  let cols = min(col + vec4u(0u, 1u, 2u, 3u), vec4u(size.n - 1u));
  let more = min(col + vec4u(4u, 5u, 6u, 7u), vec4u(size.n - 1u));
  for (var batch = group.z; batch < size.batch; batch += groups.z) {
    var left = mat4x4f(); // one vector for each row
    var right = mat4x4f();
    for (var p = 0u; p < size.k; p++) {
      let a = vec4f(loadA(batch, rows.x, p), loadA(batch, rows.y, p), loadA(batch, rows.z, p), loadA(batch, rows.w, p));
      let near = vec4f(loadB(batch, p, cols.x), loadB(batch, p, cols.y), loadB(batch, p, cols.z), loadB(batch, p, cols.w));
      let far = vec4f(loadB(batch, p, more.x), loadB(batch, p, more.y), loadB(batch, p, more.z), loadB(batch, p, more.w));
      left[0] += a.x * near;
      left[1] += a.y * near;
      left[2] += a.z * near;
      left[3] += a.w * near;
      right[0] += a.x * far;
      right[1] += a.y * far;
      right[2] += a.z * far;
      right[3] += a.w * far;
    }
    for (var i = 0u; i < 4u && row + i < size.m; i++) {
      for (var j = 0u; j < 8u && col + j < size.n; j++) {
        store(batch, row + i, col + j, select(left[i][j % 4u], right[i][j % 4u], j >= 4u));
      }
    }
  }
}
