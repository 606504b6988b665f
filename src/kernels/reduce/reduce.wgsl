// y[i] = fold of x[i, j] over all j: one invocation makes one result, visiting its elements in order.
// Right where there are many results, or where workgroup memory is slow (drivers without a GPU).

struct Size { n: u32, r: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> size: Size;

// What is carried along the fold: one field per result. Best is for the position of the largest.
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

const RUN = 1024u;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * 64u + lane;
  if (i >= size.n) {
    return;
  }
  // In runs, so that the error of a long sum grows with the length of a run and their number, not with the product.
  var acc = identity();
  for (var start = 0u; start < size.r; start += RUN) {
    var run = identity();
    for (var j = start; j < min(start + RUN, size.r); j++) {
      run = merge(run, visit(i, j));
    }
    acc = merge(acc, run);
  }
  finish(i, acc);
}
