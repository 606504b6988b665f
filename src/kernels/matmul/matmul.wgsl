// C[b, i, j] = Σp A[b, i, p] · B[b, p, j]. One invocation makes a 4 × 4 block of C in registers: each value loaded is
// used four times. No workgroup memory, which drivers without a GPU are slow at.

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

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = id.y * 4u;
  let col = id.x * 4u;
  if (row >= size.m || col >= size.n) {
    return;
  }
  // The last block hangs over the edge: there it computes its last row or column again, and stores it once.
  let rows = min(vec4u(row, row + 1u, row + 2u, row + 3u), vec4u(size.m - 1u));
  let cols = min(vec4u(col, col + 1u, col + 2u, col + 3u), vec4u(size.n - 1u));
  for (var batch = id.z; batch < size.batch; batch += groups.z) {
    var sums = mat4x4f();
    for (var p = 0u; p < size.k; p++) {
      let b = vec4f(loadB(batch, p, cols.x), loadB(batch, p, cols.y), loadB(batch, p, cols.z), loadB(batch, p, cols.w));
      sums[0] += loadA(batch, rows.x, p) * b;
      sums[1] += loadA(batch, rows.y, p) * b;
      sums[2] += loadA(batch, rows.z, p) * b;
      sums[3] += loadA(batch, rows.w, p) * b;
    }
    for (var i = 0u; i < 4u && row + i < size.m; i++) {
      for (var j = 0u; j < 4u && col + j < size.n; j++) {
        store(batch, row + i, col + j, sums[i][j]);
      }
    }
  }
}
