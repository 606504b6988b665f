// elbo devices: what programs can run on here, what it can do and how fast it is, and why the rest is not here.

import { availableParallelism } from "node:os";
import type { Device, DeviceName } from "../../index.ts";
import { NoDeviceError } from "../../kernels/devices/errors.ts";
import { WasmDevice } from "../../kernels/devices/wasm/device.ts";
import { isSoftware, requireAdapter } from "../../kernels/devices/webgpu/adapter.ts";
import { WebGpuDevice } from "../../kernels/devices/webgpu/device.ts";
import { widthOf } from "../../kernels/matmul/tile.wasm.ts";
import { type DeviceSettings, forCommand, openDevice, wasmOptions } from "../device.ts";
import { measured, type Rates } from "../measure.ts";
import { type Command, columns, command, flag } from "../options.ts";
import { isTerminal, print, showLive } from "../terminal.ts";

const NAMES = ["webgpu", "wasm", "js"] as const;

export const devices: Command = command({
  name: "devices",
  summary: "lists what can compute here, and how fast, and says why the rest cannot",
  operands: {},
  options: {
    ...wasmOptions,
    "no-measure": flag({ help: "do not measure, which takes about two seconds for each device" }),
    json: flag({ help: "print one JSON object per line: each device" }),
  },
  examples: ["elbo devices --threads 1"],
  async run({ "no-measure": unmeasured, json, ...settings }) {
    const auto = await takenByAuto();
    const rows: string[][] = [];
    for (const name of NAMES) {
      const found = await look(name, settings, !unmeasured);
      if (found.wrong) process.exitCode = 1;
      if (json) print(JSON.stringify({ device: name, ...found, auto: name === auto }));
      else rows.push(...lines(name, found));
    }
    if (!json) print(columns([...rows, ["auto", `takes ${auto}`]]));
  },
});

async function takenByAuto(): Promise<string> {
  await using device = await openDevice({ device: "auto", threads: undefined, turbo: false });
  return device.name;
}

interface Found {
  readonly available: boolean;
  /** What the device says of itself, or why it is not there. */
  readonly description: string;
  readonly features?: Features;
  readonly rates?: Rates;
  /** What it computed, if that is not what it should. */
  readonly wrong?: string;
}

type Features = Readonly<Record<string, string | number | boolean | readonly string[]>>;

async function look(name: DeviceName, wasm: Omit<DeviceSettings, "device">, measures: boolean): Promise<Found> {
  const settings = name === "wasm" ? wasm : { threads: undefined, turbo: false };
  try {
    await using device = await openDevice({ device: name, ...settings });
    const found = { available: true, description: device.description, features: await featuresOf(device) };
    if (!measures) return found;
    if (isTerminal()) showLive(`measuring ${name}`);
    return {
      ...found,
      ...(await measured(device).then(
        (rates) => ({ rates }),
        (error: Error) => ({ wrong: error.message }),
      )),
    };
  } catch (error) {
    const { cause } = error as Error;
    if (!(cause instanceof NoDeviceError)) throw error;
    return { available: false, description: `not here: ${forCommand(cause)}` };
  } finally {
    showLive("");
  }
}

const COMPUTING = /subgroup|f16|timestamp|immediate/; // WebGPU's other features are about drawing

async function featuresOf(device: Device): Promise<Features> {
  if (device instanceof WasmDevice) {
    const { threads, heap, target, tile, turbo } = device;
    const [v8] = process.versions.v8.split("-"); // the rest is of Node
    return {
      threads: threads.count,
      cores: availableParallelism(),
      sharedMemory: heap.limits.shared,
      relaxedSimd: target.relaxed,
      tile: `${tile.rows} x ${widthOf(tile)}`,
      turbo: turbo?.on ?? false,
      v8,
    };
  }
  if (device instanceof WebGpuDevice) {
    const adapter = await requireAdapter();
    const features = [...adapter.features].filter((name) => COMPUTING.test(name)).sort();
    const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
    return { software: isSoftware(adapter), features, bufferBytes: Math.min(maxBufferSize, maxStorageBufferBindingSize) };
  }
  return {};
}

/** What is printed of a device: its name and description, then the rest. */
function lines(name: string, { description, features = {}, rates, wrong }: Found): string[][] {
  const listed = Object.entries(features).map(([key, value]) => `${words(key)} ${shown(value)}`);
  const lines = [description, ...(listed.length > 0 ? [listed.join(", ")] : [])];
  if (rates) {
    const { size, gflops, megabytes, gigabytesPerSecond } = rates;
    const rate = (x: number) => x.toLocaleString("en", { maximumSignificantDigits: 3 });
    lines.push(
      `${rate(gflops)} GFLOP/s in products of ${size} x ${size}, ${rate(gigabytesPerSecond)} GB/s in copies of ${Math.round(megabytes)} MB`,
    );
  }
  if (wrong) lines.push(`WRONG: ${wrong}`);
  return lines.map((line, i) => [i === 0 ? name : "", line]);
}

/** sharedMemory as shared memory */
const words = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

function shown(value: Features[string]): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return value.toLocaleString("en");
  return typeof value === "string" ? value : value.join(" ") || "none";
}
