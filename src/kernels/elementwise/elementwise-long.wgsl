// y[i] = f(a[i], …) for every element of long vectors: an invocation makes EACH elements of each output, LANES apart, so that neighbours
// stay neighbours and a workgroup is worth starting. A file of its own, because a driver in software takes for ever to compile a long
// fused chain that stands in a loop.

struct Size { n: u32 }

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> size: Size;

fn element(i: u32) {
  y[i] = a[i];
}

const LANES = 256u;
const EACH = 4u;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  // 65,535 workgroups per dimension, so long vectors fold into two
  let first = (group.y * groups.x + group.x) * LANES * EACH + lane;
  for (var e = 0u; e < EACH; e++) {
    let i = first + e * LANES;
    if (i < size.n) {
      element(i);
    }
  }
}
