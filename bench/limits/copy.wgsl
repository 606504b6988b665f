// How fast does memory come and go? Each invocation copies four vectors, a workgroup's neighbours side by side.

@group(0) @binding(0) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let at = group.x * 1024u + lane;
  y[at] = x[at];
  y[at + 256u] = x[at + 256u];
  y[at + 512u] = x[at + 512u];
  y[at + 768u] = x[at + 768u];
}
