// Exits 0 if WebGPU finds an adapter here as it is. A process of its own, because Dawn complains on stderr where it finds none.
import "../dist/node.js";
import { findAdapter } from "../dist/kernels/devices/webgpu/adapter.js";

process.exit((await findAdapter()) ? 0 : 1);
