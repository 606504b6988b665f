// C[b, i, j] = Σp A[b, i, p] · B[b, p, j] for a C of few columns, or, turned round, of few rows. One invocation makes one row
// and holds its sums in registers, where a block of 64 columns would stand empty. All read the same values of B at once.

struct Size { batch: u32, m: u32, n: u32, k: u32 }

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
@group(0) @binding(3) var<uniform> size: Size;

const COLUMNS = 4u; // size.n, known when the kernel is compiled

fn loadA(batch: u32, row: u32, p: u32) -> f32 {
  return a[(batch * size.m + row) * size.k + p];
}

fn loadB(batch: u32, p: u32, col: u32) -> f32 {
  return b[(batch * size.k + p) * size.n + col];
}

fn store(batch: u32, row: u32, col: u32, sum: f32) {
  c[(batch * size.m + row) * size.n + col] = sum;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  // 65,535 workgroups per dimension, so very many rows fold into two
  let row = (group.y * groups.x + group.x) * 64u + lane;
  if (row >= size.m) {
    return;
  }
  for (var batch = group.z; batch < size.batch; batch += groups.z) {
    var sums = array<f32, COLUMNS>(); // said: left to the declaration, it was not zero again in the second round (Dawn, SwiftShader)
    for (var p = 0u; p < size.k; p++) {
      let a = loadA(batch, row, p);
      for (var j = 0u; j < COLUMNS; j++) {
        sums[j] += a * loadB(batch, p, j);
      }
    }
    for (var j = 0u; j < COLUMNS; j++) {
      store(batch, row, j, sums[j]);
    }
  }
}
