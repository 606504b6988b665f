// @ts-nocheck: what it imports is installed by the bench alone.
// The same on WebAssembly, whose three binaries a browser chooses one of.
import * as tf from "../../peers/node_modules/@tensorflow/tfjs/dist/index.js";
import { setWasmPaths } from "../../peers/node_modules/@tensorflow/tfjs-backend-wasm/dist/index.js";
import { train as trainOn } from "./tfjs-vae.js";

setWasmPaths({
  "tfjs-backend-wasm-threaded-simd.wasm": new URL(
    "../../peers/node_modules/@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm",
    import.meta.url,
  ).href,
});

export const train = (batches, batch) => trainOn(tf, "wasm", batches, batch);
