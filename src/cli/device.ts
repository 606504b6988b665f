// The --device option and what it opens. Importing this file brings WebGPU to Node.

import "../node.ts";
import { type Device, type DeviceName, open } from "../index.ts";
import { NoDeviceError } from "../kernels/devices/errors.ts";
import { choice, type Option } from "./options.ts";

export const deviceOption: Option<DeviceName> = choice(["auto", "webgpu", "js"], {
  default: "auto",
  help: "what computes; elbo devices lists what is here",
});

/** Opens a device; what is said to a program, should it fail, is said to a user of the command. */
export async function openDevice(name: DeviceName): Promise<Device> {
  try {
    return await open(name);
  } catch (error) {
    if (error instanceof NoDeviceError) throw new Error(`--device ${name}: ${forCommand(error)}`, { cause: error });
    throw error;
  }
}

/** A message about open("js") as one about --device js. */
export const forCommand = ({ message }: Error): string => message.replace(/^open: /, "").replace(/open\("(\w+)"\)/g, "--device $1");
