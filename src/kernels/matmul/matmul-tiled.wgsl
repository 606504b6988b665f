// C[b, i, j] = Σp A[b, i, p] · B[b, p, j]. One workgroup of DOWN × ACROSS invocations makes a block of C; each invocation makes
// ROWS × COLUMNS of its elements in registers, 4 × 4 or 8 × 8. Slices of A and B pass through workgroup memory, so every value is read
// from memory 1/WIDTH or 1/HEIGHT times as often as in the naive kernel, and from workgroup memory 1/COLUMNS or 1/ROWS times.
//
//              ACROSS · 4    ACROSS · 4        An invocation's sums are squares of 4 × 4, one in each quarter of the block: so its
//             ┌───────────┬───────────┐        neighbours read neighbouring vectors of B, at once from different banks, and store
//    DOWN · 4 │ upperLeft │ upperRight│        to neighbouring places. Four invocations that are each other's neighbours in B read
//             ├───────────┼───────────┤        the same vector of A, which costs as much as one.
//    DOWN · 4 │ lowerLeft │ lowerRight│
//             └───────────┴───────────┘        With 4 rows there is no lower half, with 4 columns no right one.

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

const ROWS = 4u; // of an invocation: 4 or 8
const COLUMNS = 4u;
const DOWN = 8u; // invocations
const ACROSS = 8u;
const HEIGHT = DOWN * ROWS;
const WIDTH = ACROSS * COLUMNS;
const DEPTH = 16u; // of the slices, along p
const BAND = 1u; // rows of blocks that are computed together
// Do blocks or slices hang over the edge? Where they do, there are zeros, and nothing is stored.
const EDGES = true;
// Do neighbours in memory lie along p, or across it?
const A_ALONG_P = true;
const B_ALONG_P = false;

// Four neighbours in memory. Where they are one vector there, another version of this function loads it at once.
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

// Operands move in pieces of 4 × 4: a vector for each p, of four rows of A or four columns of B. What lies along p in memory is
// turned round on its way.
fn pieceA(batch: u32, row: u32, p: u32) -> mat4x4f {
  if (A_ALONG_P) {
    return transpose(mat4x4f(
      loadA4(batch, row, p), loadA4(batch, row + 1u, p), loadA4(batch, row + 2u, p), loadA4(batch, row + 3u, p)));
  }
  return mat4x4f(loadA4(batch, row, p), loadA4(batch, row, p + 1u), loadA4(batch, row, p + 2u), loadA4(batch, row, p + 3u));
}

fn pieceB(batch: u32, p: u32, col: u32) -> mat4x4f {
  if (B_ALONG_P) {
    return transpose(mat4x4f(
      loadB4(batch, p, col), loadB4(batch, p, col + 1u), loadB4(batch, p, col + 2u), loadB4(batch, p, col + 3u)));
  }
  return mat4x4f(loadB4(batch, p, col), loadB4(batch, p + 1u, col), loadB4(batch, p + 2u, col), loadB4(batch, p + 3u, col));
}

// In mixed precision slices are of vec4h.
alias Slice = vec4f;
fn sliced(four: vec4f) -> Slice {
  return four;
}

var<workgroup> sliceA: array<Slice, DEPTH * HEIGHT / 4u>; // [p][row / 4]
var<workgroup> sliceB: array<Slice, DEPTH * WIDTH / 4u>; // [p][col / 4]

// The pieces of both slices are numbered, those of A first. Each invocation moves one, or two.
const LANES = DOWN * ACROSS;
const PIECES_A = HEIGHT * DEPTH / 16u;
const PIECES = PIECES_A + WIDTH * DEPTH / 16u;

// Where in its slice a piece lies, (p, row or column), both in fours: neighbours move what are neighbours in memory.
fn placeOf(piece: u32, side: u32, alongP: bool) -> vec2u {
  return select(vec2u(piece / (side / 4u), piece % (side / 4u)), vec2u(piece % (DEPTH / 4u), piece / (DEPTH / 4u)), alongP);
}

fn load(batch: u32, row: u32, p: u32, col: u32, piece: u32) -> mat4x4f {
  if (piece < PIECES_A) {
    let at = placeOf(piece, HEIGHT, A_ALONG_P);
    return pieceA(batch, row + at.y * 4u, p + at.x * 4u);
  }
  let at = placeOf(piece - PIECES_A, WIDTH, B_ALONG_P);
  return pieceB(batch, p + at.x * 4u, col + at.y * 4u);
}

fn keep(values: mat4x4f, piece: u32) {
  if (piece < PIECES_A) {
    let at = placeOf(piece, HEIGHT, A_ALONG_P);
    let first = at.x * HEIGHT + at.y;
    sliceA[first] = sliced(values[0]);
    sliceA[first + HEIGHT / 4u] = sliced(values[1]);
    sliceA[first + HEIGHT / 2u] = sliced(values[2]);
    sliceA[first + HEIGHT / 4u * 3u] = sliced(values[3]);
    return;
  }
  let at = placeOf(piece - PIECES_A, WIDTH, B_ALONG_P);
  let first = at.x * WIDTH + at.y;
  sliceB[first] = sliced(values[0]);
  sliceB[first + WIDTH / 4u] = sliced(values[1]);
  sliceB[first + WIDTH / 2u] = sliced(values[2]);
  sliceB[first + WIDTH / 4u * 3u] = sliced(values[3]);
}

// Sums with four rows times four columns added. A matrix of WGSL is a list of vectors; here each is a row.
fn plus(sums: mat4x4f, a: vec4f, b: vec4f) -> mat4x4f {
  return mat4x4f(fma(a.xxxx, b, sums[0]), fma(a.yyyy, b, sums[1]), fma(a.zzzz, b, sums[2]), fma(a.wwww, b, sums[3]));
}

fn storeSquare(batch: u32, row: u32, col: u32, sums: mat4x4f) {
  // A copy is indexed, not the sums themselves: what is indexed by a variable lies in memory, and the sums should not.
  for (var i = 0u; i < 4u && (!EDGES || row + i < size.m); i++) {
    for (var j = 0u; j < 4u && (!EDGES || col + j < size.n); j++) {
      store(batch, row + i, col + j, sums[i][j]);
    }
  }
}

@compute @workgroup_size(ACROSS, DOWN)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
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
  let t = lane.y * ACROSS + lane.x;

  for (var batch = group.z; batch < size.batch; batch += groups.z) {
    var upperLeft = mat4x4f();
    var upperRight = mat4x4f();
    var lowerLeft = mat4x4f();
    var lowerRight = mat4x4f();
    for (var p0 = 0u; p0 < size.k + DEPTH; p0 += DEPTH) {
      // The next slice is on its way from memory while the one before it is multiplied.
      var first = mat4x4f();
      var second = mat4x4f();
      if (p0 < size.k) {
        if (t < PIECES) { first = load(batch, row0, p0, col0, t); }
        if (LANES < PIECES && t + LANES < PIECES) { second = load(batch, row0, p0, col0, t + LANES); }
      }
      if (p0 > 0u) {
        for (var p = 0u; p < DEPTH; p++) {
          let atA = p * HEIGHT / 4u + lane.y;
          let atB = p * WIDTH / 4u + lane.x;
          let upper = vec4f(sliceA[atA]);
          let left = vec4f(sliceB[atB]);
          upperLeft = plus(upperLeft, upper, left);
          if (COLUMNS == 8u) { upperRight = plus(upperRight, upper, vec4f(sliceB[atB + ACROSS])); }
          if (ROWS == 8u) { lowerLeft = plus(lowerLeft, vec4f(sliceA[atA + DOWN]), left); }
          if (ROWS == 8u && COLUMNS == 8u) { lowerRight = plus(lowerRight, vec4f(sliceA[atA + DOWN]), vec4f(sliceB[atB + ACROSS])); }
        }
      }
      workgroupBarrier(); // all are done with that slice
      if (p0 < size.k) {
        if (t < PIECES) { keep(first, t); }
        if (LANES < PIECES && t + LANES < PIECES) { keep(second, t + LANES); }
      }
      workgroupBarrier(); // the next one is there
    }
    let row = row0 + lane.y * 4u;
    let col = col0 + lane.x * 4u;
    storeSquare(batch, row, col, upperLeft);
    if (COLUMNS == 8u) { storeSquare(batch, row, col + ACROSS * 4u, upperRight); }
    if (ROWS == 8u) { storeSquare(batch, row + DOWN * 4u, col, lowerLeft); }
    if (ROWS == 8u && COLUMNS == 8u) { storeSquare(batch, row + DOWN * 4u, col + ACROSS * 4u, lowerRight); }
  }
}
