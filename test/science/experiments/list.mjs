// All experiments, in the order in which they are run: those that take least first.
import { convolutions } from "./convolutions.mjs";
import { iwae } from "./iwae.mjs";
import { latents } from "./latents.mjs";
import { oneClassRows } from "./one-class.mjs";
import { pytorchExample } from "./pytorch-example.mjs";

/** @type {readonly import("../experiment.mjs").Experiment[]} */
export const experiments = [...pytorchExample, latents, convolutions, ...iwae, ...oneClassRows];
