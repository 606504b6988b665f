// The --device, --threads and --turbo options and what they open. Importing this file brings WebGPU and threads to Node.

import { availableParallelism } from "node:os";
import "../node.ts";
import { type Device, type DeviceName, type OpenOptions, open } from "../index.ts";
import { NoDeviceError } from "../kernels/devices/errors.ts";
import { choice, flag, type Option, UsageError, type ValuesOf, whole } from "./options.ts";
import { note } from "./terminal.ts";

/** What the wasm device is asked for. */
export const wasmOptions: { readonly threads: Option<number | undefined>; readonly turbo: Option<boolean> } = {
  threads: whole({ min: 1, max: 256, default: undefined, shownDefault: "one per core, 8 at most", help: "threads of the wasm device" }),
  turbo: flag({ help: "wasm in vectors of 256 bits: an experiment of V8 in Node 24 and newer, tested before it is used" }),
};

export const deviceOptions: { readonly device: Option<DeviceName> } & typeof wasmOptions = {
  device: choice(["auto", "webgpu", "wasm", "js"], {
    default: "auto",
    help: "what computes: auto takes a GPU, else wasm; elbo devices lists what is here",
  }),
  ...wasmOptions,
};
export type DeviceSettings = ValuesOf<typeof deviceOptions>;

/** Opens a device; what is said to a program, should it fail, is said to a user of the command. */
export async function openDevice(settings: DeviceSettings): Promise<Device> {
  const name = chosen(settings);
  const { threads, turbo } = settings;
  const cores = availableParallelism();
  if (threads !== undefined && threads > cores) note(`--threads ${threads} on ${cores} ${cores === 1 ? "core" : "cores"}: they take turns`);
  const options: OpenOptions = { ...(threads && { threads }), ...(turbo && { turbo }) };
  try {
    return await open(name, options);
  } catch (error) {
    if (error instanceof NoDeviceError) throw new Error(`--device ${name}: ${forCommand(error)}`, { cause: error });
    throw error;
  }
}

/** Threads and turbo are for wasm alone: whoever asks for them and names no device, asks for wasm. */
function chosen({ device, threads, turbo }: DeviceSettings): DeviceName {
  const asked = [...(threads === undefined ? [] : ["--threads"]), ...(turbo ? ["--turbo"] : [])];
  if (asked.length === 0) return device;
  if (device !== "auto" && device !== "wasm") throw new UsageError(`${asked.join(" and ")}: for --device wasm, not ${device}`);
  return "wasm";
}

/** A message about open("js") as one about --device js. */
export const forCommand = ({ message }: Error): string =>
  message
    .replace(/^open: /, "")
    .replace(/open\("(\w+)"\)/g, "--device $1")
    .replace(/\{ threads: 1 \}|\bthreads: 1\b/g, "--threads 1");
