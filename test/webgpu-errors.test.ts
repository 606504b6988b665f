// What goes wrong with a GPU, and what a program then hears: typed errors that say what to do, and never silence.
import { execFileSync } from "node:child_process";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { create, globals } from "webgpu";
import { use } from "../src/kernels/devices/device.ts";
import { DeviceLostError, LimitError, NoDeviceError, OutOfMemoryError } from "../src/kernels/devices/errors.ts";
import { findAdapter, isSoftware, registerGpu } from "../src/kernels/devices/webgpu/adapter.ts";
import { arange, assign, compile, open, parameter, type Tensor, tensor } from "../src/node.ts";
import { built } from "./setup/cli.ts";
import { openWebGpu } from "./setup/dawn.ts";

Object.assign(globalThis, globals);
const dawn = create([]);
const restore = () => registerGpu(async () => dawn);
beforeAll(restore);
afterEach(restore);

describe("no adapter [webgpu]", () => {
  test("without WebGPU, the error says how to get it", async () => {
    registerGpu(async () => undefined);
    await expect(open("webgpu")).rejects.toThrow(NoDeviceError);
    await expect(open("webgpu")).rejects.toThrow(/no WebGPU here; in Node install the package "webgpu" .* or use open\("wasm"\)/);
    expect((await open("auto")).name).toBe("wasm");
  });

  test("without a driver, the error says that", async () => {
    const gpu = { requestAdapter: async () => null } as unknown as GPU; // all that is asked of it
    registerGpu(async () => gpu);
    await expect(open("webgpu")).rejects.toThrow(NoDeviceError);
    await expect(open("webgpu")).rejects.toThrow(/no WebGPU adapter here; install a GPU driver .* or use open\("wasm"\)/);
    expect((await open("auto")).name).toBe("wasm");
  });

  test("auto takes a hardware adapter, and never one that computes on the CPU", async () => {
    const adapter = await findAdapter();
    expect((await open("auto")).name).toBe(adapter && isSoftware(adapter) ? "wasm" : "webgpu");
    const like = (description: string, isFallbackAdapter = false) =>
      ({ info: { description, architecture: "", isFallbackAdapter } }) as GPUAdapter; // all that is looked at
    for (const name of ["SwiftShader Device (Subzero)", "llvmpipe (LLVM 15.0.6, 256 bits)", "Microsoft Basic Render Driver"])
      expect(isSoftware(like(name)), name).toBe(true);
    expect(isSoftware(like("anything", true))).toBe(true);
    for (const name of ["NVIDIA H200", "AMD Radeon RX 7900", "Apple M4", "Intel(R) Arc(tm) A770"])
      expect(isSoftware(like(name)), name).toBe(false);
  });
});

describe("a device that goes away [webgpu]", () => {
  test("a read that waits is rejected, and so is every later use; nothing hangs", async () => {
    const device = await openWebGpu();
    const w = parameter(new Float32Array(1000));
    const step = compile((x: Tensor) => {
      const y = w.add(x).square().sum();
      assign(w, w.add(x));
      return y;
    });
    await step(tensor([1])).data();
    const unread = step(tensor([1]));
    const waiting = [step(tensor([1])).data(), w.data()];
    device.gpu.destroy();
    for (const read of await Promise.allSettled(waiting)) expect(read).toMatchObject({ reason: { name: "DeviceLostError" } });
    await expect(unread.data()).rejects.toThrow(DeviceLostError);
    await expect(tensor([1]).add(1).data()).rejects.toThrow(/^webgpu: the device was closed/);
    await expect(device.idle()).rejects.toThrow(DeviceLostError);
    expect(() => step(tensor([1]))).toThrow(DeviceLostError);
    await device.close();
  });

  test("lost at any moment of a training, the training ends with an error", async () => {
    for (const at of [0, 1, 3]) {
      const device = await openWebGpu();
      const w = parameter(new Float32Array(50));
      const step = compile(() => {
        assign(w, w.add(1));
        return w.sum();
      });
      const training = (async () => {
        for (let i = 0; i < 1000; i++) {
          const loss = step();
          if (i === at) device.gpu.destroy();
          await loss.data();
        }
      })();
      await expect(training).rejects.toThrow(DeviceLostError);
      await device.close();
    }
  });
});

describe("a device that was closed [webgpu]", () => {
  test("closes twice, frees what comes late, and says that it was closed", async () => {
    const device = await openWebGpu();
    const w = parameter([1, 2, 3]);
    const result = compile(() => w.mul(2))();
    await w.add(1).data();
    expect(device.bytes).toBeGreaterThan(0);
    await device.close();
    await device.close();
    expect(device.bytes).toBe(0);
    await expect(result.data()).rejects.toThrow(/webgpu: the device was closed/);
    await expect(w.data()).rejects.toThrow(/webgpu: the device was closed/);
    await expect(w.add(1).data()).rejects.toThrow(/webgpu: the device was closed/);
    w.dispose();
    expect(device.bytes).toBe(0);
    await expect(tensor([1]).add(1).data()).rejects.toThrow(/no device is open/);
  });

  test("a read that was under way when it was closed gets its values, or is told", async () => {
    const device = await openWebGpu();
    const reading = tensor([1, 2]).add(1).data();
    await undefined; // the reads of one microtask are one program, which has started now
    const closing = device.close();
    const outcome = await reading.then(Array.from, (error) => error);
    await closing;
    if (outcome instanceof Error) expect(outcome).toBeInstanceOf(DeviceLostError);
    else expect(outcome).toEqual([2, 3]);
  });
});

describe("several devices [webgpu]", () => {
  test("two are open at once; a program runs where its states are, and mixes no devices", async () => {
    const [a, b] = [await openWebGpu(), await openWebGpu()];
    const onB = parameter([10]);
    expect(await onB.add(1).item()).toBe(11);
    use(a);
    const onA = parameter([1]);
    expect(await onA.add(1).item()).toBe(2);
    expect(await onB.add(2).item(), "where its state is").toBe(12);
    await expect(onA.add(onB).data()).rejects.toThrow(
      /a program on webgpu reads a value that lives on webgpu; one program runs on one device/,
    );
    expect(await Promise.all([onA.add(1).item(), onB.add(1).item()]), "read together, each where it lives").toEqual([2, 11]);
    const [read] = [await onA.add(1).data()];
    expect(await onB.add(tensor(read)).item(), "what was read travels").toBe(12);
    await a.close();
    expect(await onB.item(), "the other goes on").toBe(10);
    await b.close();
  });
});

describe("too large [webgpu]", () => {
  test("a tensor above the adapter's limit is refused by name, before anything is allocated", async () => {
    const device = await openWebGpu();
    await tensor([1]).add(1).data();
    const { bytes } = device;
    const most = Math.min(device.gpu.limits.maxStorageBufferBindingSize, device.gpu.limits.maxBufferSize);
    const n = most / 4 + 1;
    const message = new RegExp(`takes ${4 * n} bytes; this adapter binds ${most} at most`);
    await expect(arange(n).add(1).data()).rejects.toThrow(LimitError);
    await expect(arange(n).add(1).data()).rejects.toThrow(message);
    const side = Math.ceil(Math.sqrt(n)) + 1;
    const within = () =>
      arange(side)
        .reshape([side, 1])
        .matmul(arange(side).reshape([1, side]))
        .softmax()
        .sum();
    await expect(within().data(), "between others").rejects.toThrow(`webgpu: matmul [${side}, ${side}] takes`);
    expect(device.bytes).toBe(bytes);
    expect(await tensor([1]).add(1).item(), "the device goes on").toBe(2);
    await device.close();
  });

  test("out of memory is an error that says for what", async () => {
    const device = await openWebGpu();
    const popErrorScope = vi.spyOn(device.gpu, "popErrorScope");
    popErrorScope.mockImplementationOnce(async () => {
      popErrorScope.mockRestore();
      await device.gpu.popErrorScope();
      return { message: "as if there were none left" } as GPUError;
    });
    const n = 1 << 19;
    await expect(parameter(new Float32Array(n)).add(1).data()).rejects.toThrow(OutOfMemoryError);
    await expect(tensor([1]).add(1).data()).rejects.toThrow(
      new RegExp(`no memory for a tensor of ${n} elements of f32, ${4 * n} bytes beside \\d+ in use`),
    );
    await device.close();
  });
});

// Dawn frees its instance when the object that create() returned is collected, under the feet of its devices.
test("the garbage collector takes nothing that Node needs to stay alive [webgpu]", () => {
  built();
  const code = `
    import { open, tensor } from "elbo";
    const turn = () => new Promise((done) => setTimeout(done, 5));
    for (let round = 0; round < 3; round++) {
      const device = await open("webgpu");
      for (let i = 0; i < 5; i++) {
        gc();
        await turn();
        if ((await tensor([i]).add(1).item()) !== i + 1) throw new Error("wrong");
      }
      await device.close();
      gc();
      await turn();
    }
    console.log("alive");`;
  const printed = execFileSync(process.execPath, ["--expose-gc", "--input-type=module", "--eval", code], { encoding: "utf8" });
  expect(printed).toBe("alive\n");
});

afterAll(() => expect(dawn).toBeDefined()); // Node crashes if the instance is collected while a device lives
