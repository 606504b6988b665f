// @ts-nocheck: what it imports is installed by the bench alone.
// ONNX Runtime, on its providers `cpu` and `webgpu` (a Dawn of its own): single kernels, for it trains nothing. In Node it takes and gives
// what lies in JavaScript's memory, so on `webgpu` the way to the device and back is part of every run.

import { model } from "./onnx.mjs";
import { answer, kernels, options } from "./peer.mjs";

async function allKernels() {
  const { default: ort } = await import("onnxruntime-node");
  const session = (nodes, inputs, shape) =>
    ort.InferenceSession.create(model(nodes, inputs, shape), {
      executionProviders: [options.backend],
      intraOpNumThreads: options.threads,
      interOpNumThreads: 1,
      logSeverityLevel: 3,
    });
  /** Operands in the order of the model's inputs. */
  const repeated = async (nodes, operands, shape, turned = (values) => values) => {
    const shapes = Object.fromEntries(operands.map(({ shape }, i) => [`in${i}`, shape]));
    const made = await session(nodes, shapes, shape);
    const feeds = Object.fromEntries(operands.map(({ data, shape }, i) => [`in${i}`, new ort.Tensor("float32", data, shape)]));
    const once = async () => (await made.run(feeds)).out;
    const run = async (count) => {
      for (let i = 0; i < count; i++) await once();
    };
    return { run, data: async () => turned((await once()).data) };
  };
  await kernels({
    matmul: (a, b) => repeated([{ op: "MatMul", inputs: ["in0", "in1"], output: "out" }], [a, b], [a.shape[0], b.shape[1]]),
    // Channels first, before and after: what is timed is the convolution alone.
    conv: (x, w) => {
      const [picture, weight] = [permuted(x, [0, 3, 1, 2]), permuted(w, [3, 2, 0, 1])];
      const shape = [x.shape[0], w.shape[3], x.shape[1] / 2, x.shape[2] / 2];
      const conv = { op: "Conv", inputs: ["in0", "in1"], output: "out", attributes: { strides: [2, 2], pads: [1, 1, 1, 1] } };
      return repeated([conv], [picture, weight], shape, (data) => permuted({ data, shape }, [0, 2, 3, 1]).data);
    },
    chain: (x, w, b) =>
      repeated(
        [
          { op: "Mul", inputs: ["in0", "in1"], output: "xw" },
          { op: "Add", inputs: ["xw", "in2"], output: "sum" },
          { op: "Sigmoid", inputs: ["sum"], output: "gate" },
          { op: "Mul", inputs: ["in0", "gate"], output: "out" },
        ],
        [x, w, b],
        x.shape,
      ),
    sum: (x) => repeated([{ op: "ReduceSum", inputs: ["in0"], output: "out" }], [x], [1]),
  });
  return { versions: { "onnxruntime-node": ort.env.versions.node } };
}

/** Of four axes. */
function permuted({ data, shape }, axes) {
  const to = axes.map((axis) => shape[axis]);
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1));
  const steps = axes.map((axis) => strides[axis]);
  const values = new Float32Array(data.length);
  let at = 0;
  for (let i = 0; i < to[0]; i++)
    for (let j = 0; j < to[1]; j++)
      for (let k = 0; k < to[2]; k++)
        for (let l = 0; l < to[3]; l++) values[at++] = data[i * steps[0] + j * steps[1] + k * steps[2] + l * steps[3]];
  return { data: values, shape: to };
}

await answer({ kernels: allKernels });
