// The benches whose results are reported: how a section of docs/benchmarks.md is called, and what makes its tables.
import { tables as peersTables } from "../compare/tables.mjs";
import { tables as convTables } from "../cpu/conv-tables.mjs";
import { tables as cpuTables } from "../cpu/tables.mjs";
import { tables as kernelsTables } from "../kernels/tables.mjs";
import { tables as ladderTables } from "../ladder.mjs";
import { tables as trainingTables } from "../training/tables.mjs";
import { table } from "./overhead.mjs";

/**
 * `tables` gives the tables with what is to be said of them, by the names of their places in the README.
 * @typedef {{ name: string, title: string, tables(file: any): Record<string, string> }} Reported
 * @type {readonly Reported[]}
 */
export const reported = [
  { name: "training", title: "Training steps", tables: trainingTables },
  { name: "peers", title: "Beside others", tables: peersTables },
  { name: "kernels", title: "Single kernels", tables: kernelsTables },
  { name: "ladder", title: "Ladders of kernels", tables: ladderTables },
  { name: "cpu", title: "The CPU: the dense VAE and products, by number of threads and version of Node", tables: cpuTables },
  { name: "conv", title: "The CPU: convolutional VAEs and convolutions", tables: convTables },
  { name: "overhead", title: "Overhead", tables: (file) => ({ overhead: table(file) }) },
];
