// y[i] = fold of x[i, j] over all j. A workgroup makes RESULTS results, each by LANES invocations: an invocation folds every LANES-th
// element, four of them on their way from memory at a time, then the partial results are merged in a tree.

struct Size { n: u32, r: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> size: Size;

const RESULTS = 1u; // a power of two
const LANES = 256u / RESULTS;
// What neighbouring invocations visit should be neighbours in memory: elements of one result, or one element each of neighbouring results.
const ALONG = true;

struct Acc { a0: f32 }
struct Best { value: f32, index: u32 }

fn better(a: Best, b: Best) -> Best {
  if (b.value > a.value || (b.index < a.index && !(a.value > b.value))) { return b; }
  return a;
}

fn identity() -> Acc {
  return Acc(0.0);
}

fn merge(a: Acc, b: Acc) -> Acc {
  return Acc(a.a0 + b.a0);
}

fn visit(i: u32, j: u32) -> Acc {
  return Acc(x[i * size.r + j]);
}

fn finish(i: u32, acc: Acc) {
  y[i] = acc.a0;
}

fn folded(i: u32, first: u32) -> Acc {
  var a = identity();
  var b = identity();
  var c = identity();
  var d = identity();
  var j = first;
  for (; j + 3u * LANES < size.r; j += 4u * LANES) {
    a = merge(a, visit(i, j));
    b = merge(b, visit(i, j + LANES));
    c = merge(c, visit(i, j + 2u * LANES));
    d = merge(d, visit(i, j + 3u * LANES));
  }
  for (; j < size.r; j += LANES) {
    a = merge(a, visit(i, j));
  }
  return merge(merge(a, b), merge(c, d));
}

var<workgroup> partial: array<Acc, 256>; // [lane of a result][result]

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let result = select(lane % RESULTS, lane / LANES, ALONG);
  let place = select(lane / RESULTS, lane % LANES, ALONG);
  // 65,535 workgroups per dimension, so very many results fold into two
  let i = (group.y * groups.x + group.x) * RESULTS + result;
  let at = place * RESULTS + result;
  if (i < size.n) {
    partial[at] = folded(i, place);
  }
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (place < half) {
      partial[at] = merge(partial[at], partial[at + half * RESULTS]);
    }
  }
  if (place == 0u && i < size.n) {
    finish(i, partial[at]);
  }
}
