// y[i] = fold of x[i, j] over all j: one workgroup makes one result. Each invocation folds every 256th element, then
// the partial results are merged in a tree. Neighbours read neighbours, and few long rows still fill the machine.

struct Size { n: u32, r: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> size: Size;

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

var<workgroup> partial: array<Acc, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = group.y * groups.x + group.x;
  if (i >= size.n) {
    return; // the whole workgroup: nobody is left waiting at a barrier
  }
  var acc = identity();
  for (var j = lane; j < size.r; j += 256u) {
    acc = merge(acc, visit(i, j));
  }
  partial[lane] = acc;
  for (var half = 128u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      partial[lane] = merge(partial[lane], partial[lane + half]);
    }
  }
  if (lane == 0u) {
    finish(i, partial[0]);
  }
}
