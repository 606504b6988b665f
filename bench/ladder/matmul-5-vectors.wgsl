// C = A · B. What is new: numbers move by fours. A and B are read as vectors of four neighbours, from memory and from workgroup
// memory, so that there are a quarter as many instructions that load; and an invocation's 4 × 4 elements lie together.
//
// A vector of a row of A holds four values of p. It meets the four rows of B at those p as a matrix meets a vector:
//
//   sums[i] += (B[p] B[p+1] B[p+2] B[p+3]) · A[i, p … p+3]
//
// C is stored number by number: a row of it need not begin at a multiple of four, and it is written only once.

const SIDE = 16u; // invocations of a workgroup, each way
const EACH = 4u; // elements of C that an invocation makes, each way; and the numbers of a vector
const HEIGHT = SIDE * EACH; // rows of C that a workgroup makes, …
const WIDTH = SIDE * EACH; // … and columns
const DEPTH = 16u; // of the slices of A and B that are in workgroup memory at a time: as many as SIDE

struct Size { m: u32, n: u32, k: u32 }

@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
@group(0) @binding(3) var<uniform> size: Size;

// Four of eight numbers, without the first few.
fn without(few: u32, near: vec4f, far: vec4f) -> vec4f {
  switch few {
    case 0u: { return near; }
    case 1u: { return vec4f(near.yzw, far.x); }
    case 2u: { return vec4f(near.zw, far.xy); }
    default: { return vec4f(near.w, far.xyz); }
  }
}

// Where rows are no multiple of four long, most begin within a vector, and four neighbours lie in two of them.
fn loadA(row: u32, p: u32) -> vec4f {
  if (row >= size.m) { return vec4f(); } // the last slices hang over the edge, in rows …
  let at = row * size.k + p;
  var four = a[at / 4u];
  if (at % 4u > 0u) { four = without(at % 4u, four, a[at / 4u + 1u]); }
  return select(vec4f(), four, p + vec4u(0u, 1u, 2u, 3u) < vec4u(size.k)); // … and within a vector
}

fn loadB(p: u32, col: u32) -> vec4f {
  if (p >= size.k) { return vec4f(); }
  let at = p * size.n + col;
  var four = b[at / 4u];
  if (at % 4u > 0u) { four = without(at % 4u, four, b[at / 4u + 1u]); }
  return select(vec4f(), four, col + vec4u(0u, 1u, 2u, 3u) < vec4u(size.n));
}

var<workgroup> sliceA: array<array<vec4f, DEPTH / 4u>, HEIGHT>; // [row][p / 4]
var<workgroup> sliceB: array<array<vec4f, WIDTH / 4u>, DEPTH>; // [p][col / 4]

@compute @workgroup_size(SIDE, SIDE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row0 = group.y * HEIGHT;
  let col0 = group.x * WIDTH;
  // The slice of A has 64 rows of 4 vectors, that of B 16 rows of 16: one vector of each for each invocation.
  let t = lane.y * SIDE + lane.x;
  let line = t / (DEPTH / 4u);
  let at = t % (DEPTH / 4u);
  // C[i, j] = Σp A[i, p] · B[p, j], with p = p0 + 4 q + 0 … 3
  var sums = array<vec4f, EACH>();
  for (var p0 = 0u; p0 < size.k; p0 += DEPTH) {
    sliceA[line][at] = loadA(row0 + line, p0 + 4u * at);
    sliceB[lane.y][lane.x] = loadB(p0 + lane.y, col0 + 4u * lane.x);
    workgroupBarrier();
    for (var q = 0u; q < DEPTH / 4u; q++) {
      let p = 4u * q;
      let right = mat4x4f(sliceB[p][lane.x], sliceB[p + 1u][lane.x], sliceB[p + 2u][lane.x], sliceB[p + 3u][lane.x]);
      for (var i = 0u; i < EACH; i++) {
        sums[i] += right * sliceA[EACH * lane.y + i][q];
      }
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < EACH; i++) {
    for (var j = 0u; j < EACH; j++) {
      let row = row0 + EACH * lane.y + i;
      let col = col0 + EACH * lane.x + j;
      if (row < size.m && col < size.n) { c[row * size.n + col] = sums[i][j]; }
    }
  }
}
