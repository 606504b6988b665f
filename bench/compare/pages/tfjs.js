// @ts-nocheck: what it imports is installed by the bench alone.
// A page that trains a dense VAE with TensorFlow.js on WebGPU, imported as its documentation says: whole.
import * as tf from "../../peers/node_modules/@tensorflow/tfjs/dist/index.js";
import "../../peers/node_modules/@tensorflow/tfjs-backend-webgpu/dist/index.js";
import { train as trainOn } from "./tfjs-vae.js";

export const train = (batches, batch) => trainOn(tf, "webgpu", batches, batch);
