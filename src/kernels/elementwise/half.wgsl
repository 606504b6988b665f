// Stores in half precision saturate: f16 ends at 65504, and an infinity would spread to everything computed from it.

enable f16;

@group(0) @binding(0) var<storage, read_write> halves: array<f16>;

const LARGEST = 65504.0;

fn narrow(x: f32) -> f16 {
  return f16(clamp(x, -LARGEST, LARGEST));
}

fn narrow4(x: vec4f) -> vec4h {
  return vec4h(clamp(x, vec4f(-LARGEST), vec4f(LARGEST)));
}

@compute @workgroup_size(1)
fn main() {
  halves[0] = narrow(f32(halves[0]) + 1.0) + narrow4(vec4f()).x;
}
