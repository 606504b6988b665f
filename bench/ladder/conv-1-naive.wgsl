// The convolution y of images x by a kernel w, as it is defined. One invocation makes one element of y: one channel of one pixel.
// Invocations that run side by side make neighbouring channels: they read the same number of x, and neighbours of w.

const HEIGHT = 16u; // pixels of y that a workgroup makes, …
const WIDTH = 16u; // … and channels of them

// Images are [n, h, w, c], kernels [kh, kw, c, oc], results [n, rows, columns, oc].
struct Size { n: u32, h: u32, w: u32, c: u32, kh: u32, kw: u32, oc: u32, rows: u32, columns: u32, stride: u32, pad: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> size: Size;

@compute @workgroup_size(WIDTH, HEIGHT)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let pixel = group.y * HEIGHT + lane.y;
  let o = group.x * WIDTH + lane.x;
  let n = pixel / (size.rows * size.columns);
  let i = pixel / size.columns % size.rows;
  let j = pixel % size.columns;
  if (n >= size.n || o >= size.oc) {
    return; // the last workgroups hang over the edge
  }
  // y[n, i, j, o] = Σ x[n, i · stride + u - pad, j · stride + v - pad, c] · w[u, v, c, o]
  var sum = 0.0;
  for (var u = 0u; u < size.kh; u++) {
    for (var v = 0u; v < size.kw; v++) {
      // Unsigned: what is above the image or left of it wraps round to a very large number, and is outside as well.
      let row = i * size.stride + u - size.pad;
      let col = j * size.stride + v - size.pad;
      if (row >= size.h || col >= size.w) {
        continue; // padding: zeros
      }
      let place = ((n * size.h + row) * size.w + col) * size.c;
      let tap = (u * size.kw + v) * size.c;
      for (var c = 0u; c < size.c; c++) {
        sum += x[place + c] * w[(tap + c) * size.oc + o];
      }
    }
  }
  y[pixel * size.oc + o] = sum;
}
