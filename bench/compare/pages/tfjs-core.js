// @ts-nocheck: what it imports is installed by the bench alone.
// The same with as little of TensorFlow.js as trains: its core with the gradients, and one backend.
import * as tf from "../../peers/node_modules/@tensorflow/tfjs-core/dist/index.js";
import "../../peers/node_modules/@tensorflow/tfjs-core/dist/register_all_gradients.js";
import "../../peers/node_modules/@tensorflow/tfjs-backend-webgpu/dist/index.js";
import { train as trainOn } from "./tfjs-vae.js";

export const train = (batches, batch) => trainOn(tf, "webgpu", batches, batch);
