// y[i] = f(a[i], …) for every element: an invocation makes EACH elements of each output, one in EACH workgroups' worth of neighbours.
// A fused chain is another `element`; bound by memory, not by arithmetic.

struct Size { n: u32 }

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> size: Size;

fn element(i: u32) {
  y[i] = a[i];
}

const LANES = 64u;
const EACH = 1u; // more than one for long vectors, so that a workgroup is worth starting

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
