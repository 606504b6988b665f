// How fast are numbers multiplied and added? Each invocation keeps twelve sums in registers, s ← s · x + y, which wait for nothing but
// themselves: no kernel made of the same operations is faster. Eight steps in a row, so that counting them costs little.

struct Given { x: f32, y: f32, rounds: u32 }
@group(0) @binding(0) var<storage, read_write> sums: array<vec4f>;
@group(0) @binding(1) var<uniform> given: Given;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let x = vec4f(given.x); // from outside, or the compiler would compute where this ends
  let y = vec4f(given.y);
  var a = sums[id.x];
  var b = a;
  var c = a;
  b.x += 1.0; // sums that differ, or one would do for all three
  c.y += 2.0;
  for (var round = 0u; round < given.rounds; round++) {
    a = a * x + y; b = b * x + y; c = c * x + y;
    a = a * x + y; b = b * x + y; c = c * x + y;
    a = a * x + y; b = b * x + y; c = c * x + y;
    a = a * x + y; b = b * x + y; c = c * x + y;
    a = a * x + y; b = b * x + y; c = c * x + y;
    a = a * x + y; b = b * x + y; c = c * x + y;
    a = a * x + y; b = b * x + y; c = c * x + y;
    a = a * x + y; b = b * x + y; c = c * x + y;
  }
  sums[id.x] = a + b + c;
}
