// C[b, i, j] = Σp A[b, i, p] · B[b, p, j] by tensor cores: a subgroup multiplies a matrix of M × K by one of K × N at once. The operands
// are f16, the sums f32. One workgroup of DOWN × ACROSS subgroups makes a block of C, each subgroup ROWS × COLUMNS matrices of it.
// Slices of A and B pass through workgroup memory, where they become f16, whatever they were.
//
// A matrix lies spread over the registers of its subgroup, nobody knows how. So the sums go through workgroup memory, too, one
// matrix at a time, before they are stored one by one.

enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;

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

const M = 16u; // of the matrices, as the adapter has them
const N = 16u;
const K = 16u;
const LANES = 32u; // invocations of a subgroup
const ROWS = 2u;
const COLUMNS = 2u;
const DOWN = 2u;
const ACROSS = 2u;
const HEIGHT = DOWN * ROWS * M;
const WIDTH = ACROSS * COLUMNS * N;
const DEPTH = 32u; // of the slices, along p
const BAND = 1u; // rows of blocks that are computed together
// Do blocks or slices hang over the edge? Where they do, there are zeros, and nothing is stored.
const EDGES = true;
// Do neighbours in memory lie along p, or across it?
const A_ALONG_P = true;
const B_ALONG_P = false;

alias Left = subgroup_matrix_left<f16, K, M>;
alias Right = subgroup_matrix_right<f16, N, K>;
alias Sums = subgroup_matrix_result<f32, N, M>;

/// Four neighbours in memory. Where they are one vector there, another version of this function loads it at once.
fn loadA4(batch: u32, row: u32, p: u32) -> vec4f {
  var four = vec4f();
  for (var i = 0u; i < 4u; i++) {
    let at = select(vec2u(row + i, p), vec2u(row, p + i), A_ALONG_P);
    if (!EDGES || (at.x < size.m && at.y < size.k)) { four[i] = loadA(batch, at.x, at.y); }
  }
  return four;
}

fn loadB4(batch: u32, p: u32, col: u32) -> vec4f {
  var four = vec4f();
  for (var i = 0u; i < 4u; i++) {
    let at = select(vec2u(p, col + i), vec2u(p + i, col), B_ALONG_P);
    if (!EDGES || (at.x < size.k && at.y < size.n)) { four[i] = loadB(batch, at.x, at.y); }
  }
  return four;
}

// A slice lies in workgroup memory as its operand does in memory, a line for each row (or column) or for each p, in vectors of four.
// Lines are longer by two vectors than what is in them, so that those of one matrix begin in different banks.
const LINE_A = select(HEIGHT, DEPTH, A_ALONG_P) / 4u;
const LINE_B = select(WIDTH, DEPTH, B_ALONG_P) / 4u;
const STRIDE_A = LINE_A + 2u;
const STRIDE_B = LINE_B + 2u;
var<workgroup> sliceA: array<vec4h, select(DEPTH, HEIGHT, A_ALONG_P) * STRIDE_A>;
var<workgroup> sliceB: array<vec4h, select(DEPTH, WIDTH, B_ALONG_P) * STRIDE_B>;
var<workgroup> sums: array<f32, DOWN * ACROSS * M * N>; // a matrix for each subgroup, on its way out

fn narrow4(x: vec4f) -> vec4h {
  return vec4h(clamp(x, vec4f(-65504.0), vec4f(65504.0)));
}

fn left(row: u32, p: u32) -> Left {
  if (A_ALONG_P) {
    return subgroupMatrixLoad<Left, row_major>(&sliceA, row * STRIDE_A + p / 4u, STRIDE_A);
  }
  return subgroupMatrixLoad<Left, col_major>(&sliceA, p * STRIDE_A + row / 4u, STRIDE_A);
}

fn right(p: u32, col: u32) -> Right {
  if (B_ALONG_P) {
    return subgroupMatrixLoad<Right, col_major>(&sliceB, col * STRIDE_B + p / 4u, STRIDE_B);
  }
  return subgroupMatrixLoad<Right, row_major>(&sliceB, p * STRIDE_B + col / 4u, STRIDE_B);
}

const ALL = DOWN * ACROSS * LANES;

@compute @workgroup_size(ALL)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
  @builtin(subgroup_id) subgroup: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  // 65,535 workgroups per dimension, so very many blocks fold into two
  let block = group.y * groups.x + group.x;
  let down = (size.m + HEIGHT - 1u) / HEIGHT;
  let across = (size.n + WIDTH - 1u) / WIDTH;
  if (block >= down * across) {
    return;
  }
  // Blocks are numbered down each column of a band: those which run at the same time share what they read, by the cache.
  let band = block / (BAND * across);
  let rows = min(BAND, down - band * BAND);
  let inBand = block % (BAND * across);
  let row0 = (band * BAND + inBand % rows) * HEIGHT;
  let col0 = inBand / rows * WIDTH;
  let subrow = subgroup / ACROSS * ROWS * M; // of this subgroup, within the block
  let subcol = subgroup % ACROSS * COLUMNS * N;

  for (var batch = group.z; batch < size.batch; batch += groups.z) {
    var acc = array<array<Sums, COLUMNS>, ROWS>();
    for (var p0 = 0u; p0 < size.k; p0 += DEPTH) {
      for (var e = t; e < HEIGHT * DEPTH / 4u; e += ALL) {
        let at = vec2u(e / LINE_A, e % LINE_A * 4u); // the line, and the place in it
        let place = select(at.yx, at, A_ALONG_P);
        sliceA[at.x * STRIDE_A + at.y / 4u] = narrow4(loadA4(batch, row0 + place.x, p0 + place.y));
      }
      for (var e = t; e < WIDTH * DEPTH / 4u; e += ALL) {
        let at = vec2u(e / LINE_B, e % LINE_B * 4u);
        let place = select(at, at.yx, B_ALONG_P);
        sliceB[at.x * STRIDE_B + at.y / 4u] = narrow4(loadB4(batch, p0 + place.x, col0 + place.y));
      }
      workgroupBarrier();
      for (var p = 0u; p < DEPTH; p += K) {
        var lefts: array<Left, ROWS>;
        for (var i = 0u; i < ROWS; i++) { lefts[i] = left(subrow + i * M, p); }
        for (var j = 0u; j < COLUMNS; j++) {
          let b = right(p, subcol + j * N);
          for (var i = 0u; i < ROWS; i++) { acc[i][j] = subgroupMatrixMultiplyAccumulate(lefts[i], b, acc[i][j]); }
        }
      }
      workgroupBarrier();
    }
    for (var i = 0u; i < ROWS; i++) {
      for (var j = 0u; j < COLUMNS; j++) {
        subgroupMatrixStore<row_major>(&sums, subgroup * M * N, acc[i][j], N);
        workgroupBarrier();
        for (var e = lane; e < M * N; e += LANES) {
          let row = row0 + subrow + i * M + e / N;
          let col = col0 + subcol + j * N + e % N;
          if (!EDGES || (row < size.m && col < size.n)) { store(batch, row, col, sums[subgroup * M * N + e]); }
        }
        workgroupBarrier();
      }
    }
  }
}
