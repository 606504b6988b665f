// ONNX models of a few nodes, byte by byte: as much of its protobuf as a single kernel needs. The numbers are those of onnx.proto.

const [VARINT, BYTES] = [0, 2]; // wire types
const FLOAT = 1; // TensorProto.FLOAT
const INTS = 7; // AttributeProto.INTS

/**
 * @typedef {{ op: string, inputs: string[], output: string, attributes?: Record<string, number[]> }} Node
 * @param {Node[]} nodes the last one makes the output @param {Record<string, number[]>} inputs shapes @param {number[]} shape of the output
 */
export function model(nodes, inputs, shape) {
  const output = nodes[nodes.length - 1].output;
  const graph = [
    ...nodes.flatMap((node) => field(1, nodeOf(node))),
    ...field(2, text("kernel")),
    ...Object.entries(inputs).flatMap(([name, shape]) => field(11, valueInfo(name, shape))),
    ...field(12, valueInfo(output, shape)),
  ];
  const opset = number(2, 17);
  return Uint8Array.from([...number(1, 8), ...field(7, graph), ...field(8, opset)]); // IR 8
}

/** @param {Node} node */
function nodeOf({ op, inputs, output, attributes = {} }) {
  return [
    ...inputs.flatMap((name) => field(1, text(name))),
    ...field(2, text(output)),
    ...field(4, text(op)),
    ...Object.entries(attributes).flatMap(([name, ints]) =>
      field(5, [...field(1, text(name)), ...ints.flatMap((n) => number(8, n)), ...number(20, INTS)]),
    ),
  ];
}

/** @param {string} name @param {number[]} shape */
function valueInfo(name, shape) {
  const dimensions = shape.flatMap((n) => field(1, number(1, n)));
  const tensor = [...number(1, FLOAT), ...field(2, dimensions)];
  return [...field(1, text(name)), ...field(2, field(1, tensor))];
}

/** @param {number} id @param {number[]} bytes */
const field = (id, bytes) => [...varint((id << 3) | BYTES), ...varint(bytes.length), ...bytes];
/** @param {number} id @param {number} n */
const number = (id, n) => [...varint((id << 3) | VARINT), ...varint(n)];
/** @param {string} value */
const text = (value) => [...Buffer.from(value)];

/** Seven bits to a byte, the lowest first. @param {number} n @returns {number[]} */
const varint = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...varint(n >>> 7)]);
