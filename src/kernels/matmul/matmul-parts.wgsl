// C[b, i, j] = Σs parts[s, b, i, j], added in order of s: the second half of a product whose inner sum was cut into parts,
// because C alone has too few elements to occupy a GPU. One invocation makes one element.

struct Size { batch: u32, m: u32, n: u32, parts: u32 }

@group(0) @binding(0) var<storage, read> parts: array<f32>;
@group(0) @binding(1) var<storage, read_write> c: array<f32>;
@group(0) @binding(2) var<uniform> size: Size;

fn store(batch: u32, row: u32, col: u32, sum: f32) {
  c[(batch * size.m + row) * size.n + col] = sum;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  // 65,535 workgroups per dimension, so large results fold into two
  let i = (group.y * groups.x + group.x) * 64u + lane;
  let elements = size.batch * size.m * size.n;
  if (i >= elements) {
    return;
  }
  var sum = 0.0;
  for (var s = 0u; s < size.parts; s++) {
    sum += parts[s * elements + i];
  }
  store(i / size.n / size.m, i / size.n % size.m, i % size.n, sum);
}
