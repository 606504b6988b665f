// C[b, i, j] = Σp A[b, i, p] · B[b, p, j]. One workgroup of 16 × 16 invocations makes a 64 × 64 block of C, each
// invocation 4 × 4 of it in registers. Slices of A and B, 16 deep, pass through workgroup memory: every value is read
// from memory 1/64 times as often as in the naive kernel.

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

const DEPTH = 16u;
const SIDE = 64u;
// Neighbouring invocations load neighbours in memory: along p where an operand's rows run along p, else across.
const A_ALONG_P = true;
const B_ALONG_P = false;

var<workgroup> sliceA: array<f32, DEPTH * SIDE>; // [p][row], so that an invocation's four rows lie together
var<workgroup> sliceB: array<f32, DEPTH * SIDE>; // [p][col]

@compute @workgroup_size(16, 16)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  // 65,535 workgroups per dimension, so very many blocks fold into two
  let block = group.y * groups.x + group.x;
  let blocks = (size.n + SIDE - 1u) / SIDE; // side by side
  let row0 = block / blocks * SIDE;
  let col0 = block % blocks * SIDE;
  let t = lane.y * 16u + lane.x;
  for (var batch = group.z; batch < size.batch; batch += groups.z) {
    var sums = mat4x4f();
    for (var p0 = 0u; p0 < size.k; p0 += DEPTH) {
      for (var e = t; e < DEPTH * SIDE; e += 256u) {
        let pa = select(e / SIDE, e % DEPTH, A_ALONG_P);
        let i = select(e % SIDE, e / DEPTH, A_ALONG_P);
        var a = 0.0; // the last tiles hang over the edge
        if (p0 + pa < size.k && row0 + i < size.m) { a = loadA(batch, row0 + i, p0 + pa); }
        sliceA[pa * SIDE + i] = a;
        let pb = select(e / SIDE, e % DEPTH, B_ALONG_P);
        let j = select(e % SIDE, e / DEPTH, B_ALONG_P);
        var b = 0.0;
        if (p0 + pb < size.k && col0 + j < size.n) { b = loadB(batch, p0 + pb, col0 + j); }
        sliceB[pb * SIDE + j] = b;
      }
      workgroupBarrier();
      for (var p = 0u; p < DEPTH; p++) {
        let at = p * SIDE + lane.x * 4u;
        let b = vec4f(sliceB[at], sliceB[at + 1u], sliceB[at + 2u], sliceB[at + 3u]);
        let left = p * SIDE + lane.y * 4u;
        sums[0] += sliceA[left] * b;
        sums[1] += sliceA[left + 1u] * b;
        sums[2] += sliceA[left + 2u] * b;
        sums[3] += sliceA[left + 3u] * b;
      }
      workgroupBarrier();
    }
    let row = row0 + lane.y * 4u;
    let col = col0 + lane.x * 4u;
    for (var i = 0u; i < 4u && row + i < size.m; i++) {
      for (var j = 0u; j < 4u && col + j < size.n; j++) {
        store(batch, row + i, col + j, sums[i][j]);
      }
    }
  }
}
