// y[i] = fold of x[i, j] over all j, by a workgroup for each result. As reduce-workgroup.wgsl, but what the invocations of a subgroup
// hold is merged from register to register, so that one barrier is left of eight. Subgroups may be of any size, from 4 to 128.
enable subgroups;

struct Size { n: u32, r: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> size: Size;

const LANES = 256u;

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

// What the invocation holds whose number differs from one's own in the bits of the mask.
fn across(acc: Acc, mask: u32) -> Acc {
  return Acc(subgroupShuffleXor(acc.a0, mask));
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

// All invocations of the subgroup end with the same.
fn inSubgroup(acc: Acc, width: u32) -> Acc {
  var all = acc;
  for (var mask = width / 2u; mask > 0u; mask /= 2u) {
    all = merge(all, across(all, mask));
  }
  return all;
}

var<workgroup> partial: array<Acc, LANES>;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
  @builtin(subgroup_size) width: u32,
  @builtin(subgroup_invocation_id) own: u32,
) {
  // 65,535 workgroups per dimension, so very many results fold into two
  let i = group.y * groups.x + group.x;
  if (i >= size.n) {
    return; // the whole workgroup: nobody is left waiting at a barrier
  }
  // Which invocations make a subgroup is the driver's affair. So one of each leaves what all of it hold in a place of its own, wherever
  // that is, and every subgroup merges all places.
  let held = inSubgroup(folded(i, lane), width);
  partial[lane] = identity();
  if (own == 0u) { partial[lane] = held; }
  workgroupBarrier();
  var acc = identity();
  for (var at = own; at < LANES; at += width) {
    acc = merge(acc, partial[at]);
  }
  acc = inSubgroup(acc, width);
  if (lane == 0u) {
    finish(i, acc);
  }
}
