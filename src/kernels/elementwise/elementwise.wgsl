// y[i] = f(a[i], …) for every element: one invocation makes one element of each output.
// A fused chain is another `element`; bound by memory, not by arithmetic.

struct Size { n: u32 }

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> size: Size;

fn element(i: u32) {
  y[i] = a[i];
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  // 65,535 workgroups per dimension, so long vectors fold into two
  let i = (group.y * groups.x + group.x) * 64u + lane;
  if (i < size.n) {
    element(i);
  }
}
