// What pages.test.ts runs on a page and in its workers, from the built library.
import { adam, compile, open, parameter, tensor } from "../../../dist/index.js";

/** The address of the file that threads run where the page forbids them to run a text. */
export const workerUrl = new URL("../../../dist/kernels/devices/wasm/worker.file.js", import.meta.url).href;

/** Is it forbidden here to make code from text? */
function isStrict() {
  try {
    return !new Function("return true")();
  } catch {
    return true;
  }
}

/**
 * Opens a device and fits a line on it: what was opened, and the line's two numbers; or the message of what went wrong.
 * @param {"auto" | "wasm" | "js"} name
 * @param {import("../../../dist/index.js").OpenOptions} options
 */
export async function work(name, options) {
  try {
    await using device = await open(name, options);
    const x = tensor([1, 2, 3], [3, 1]);
    const y = tensor([5, 7, 9], [3, 1]);
    const [slope, start] = [parameter([[0]]), parameter([0])];
    const optimizer = adam([slope, start], { rate: 0.1 });
    const step = compile(() => {
      const loss = x.matmul(slope).add(start).sub(y).square().mean();
      optimizer.step(loss);
      return loss;
    });
    for (let i = 0; i < 500; i++) step();
    const line = [await slope.item(), await start.item()].map(Math.round).join(" ");
    return { device: `${device.name}: ${device.description}`, line, isStrict: isStrict() };
  } catch (error) {
    return { error: /** @type {Error} */ (error).message };
  }
}
