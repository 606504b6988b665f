// Saved models load in PyTorch and give the same loss there. Skipped where no python3 has torch: `apt install python3-torch`.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { digits, resizeImages } from "../../src/data/node.ts";
import { sample } from "../../src/kernels/sample.ts";
import { open, tensor } from "../../src/node.ts";
import { type ConvVaeOptions, convVae, type DenseOptions, denseVae, train, type Vae } from "../../src/vae/index.ts";
import { saveRun } from "../../src/vae/run.node.ts";

const script = fileURLToPath(new URL("pytorch.py", import.meta.url));
const root = mkdtempSync(join(tmpdir(), "elbo-pytorch-"));
afterAll(() => rmSync(root, { recursive: true }));

const python = ["python3", "/usr/bin/python3"].find((path) => spawnSync(path, ["-c", "import torch"]).status === 0);
if (!python) console.log("no python3 here has PyTorch: the tests that load models there are skipped");

const dense = (options: Partial<DenseOptions>) => () => denseVae({ input: [28, 28, 1], hidden: 40, latent: 5, ...options });
const conv = (options: ConvVaeOptions) => () => convVae({ model: "conv28", latent: 5, ...options });
const small = { input: [8, 12, 3], channels: [4, 16] };
const models: [string, () => Vae][] = [
  ["dense, bernoulli", dense({})],
  ["dense, gaussian", dense({ likelihood: "gaussian", hidden: [40, 20], activation: "tanh", beta: 0.5 })],
  ["dense, colour", dense({ input: [4, 6, 3] })],
  ["conv28", conv({})],
  ["conv64", conv({ model: "conv64", beta: 4 })],
  ["conv28, colour, gaussian", conv({ input: [20, 28, 3], likelihood: "gaussian" })],
  ["batch norm, residual blocks, hidden layers", conv({ ...small, norm: "batch", residual: 1, hidden: [9, 8] })],
  ["group norm, upsampling", conv({ ...small, norm: "group", decoder: "upsample", activation: "silu" })],
  ["layer norm, residual blocks, kernels of 3 and 5", conv({ ...small, kernel: 3, norm: "layer", residual: 2, hidden: [7] })],
  ["kernels of 5, stride 3, exact sizes", conv({ input: [14, 23, 1], kernel: 5, stride: 3, padding: 0, channels: [6] })],
];
for (const [name, make] of models) {
  test.skipIf(!python)(`PyTorch loads a saved model, strictly, and agrees on its loss: ${name} [wasm]`, async () => {
    await using _ = await open("wasm", { threads: 2 });
    using model = make();
    const [height, width, channels] = model.shape;
    const square = resizeImages(digits({ count: 16, size: Math.max(height, width) }), { channels: channels === 3 ? 3 : 1 });
    const shape = [16, height, width, channels];
    const images = { ...square, pixels: square.pixels.slice(0, 16 * height * width * channels), height, width };
    await train(model, { train: images }, { batch: 8, epochs: 3 });
    const dir = join(root, name);
    await saveRun(dir, { model });

    const x = tensor(
      Float32Array.from(images.pixels, (v) => v / 255),
      shape,
    );
    const noise = sample([16, model.latent], -2, 2);
    const terms = async (training: boolean) => {
      const { loss, reconstruction, kl } = model.terms(x, { noise, training });
      const [l, r, k] = await Promise.all([loss.item(), reconstruction.item(), kl.item()]);
      return { loss: l, reconstruction: r, kl: k };
    };
    const evaluated = await terms(false); // before `trained`, which moves the averages of batch norm
    const trained = await terms(true);
    const batch = join(root, `${name}.json`);
    writeFileSync(batch, JSON.stringify({ x: await x.array(), noise: await noise.array(), evaluated, trained }));
    const { status, stdout, stderr } = spawnSync(python as string, [script, dir, batch], { encoding: "utf8" });
    const compared = ["evaluated", "trained"].flatMap((mode) => ["loss", "reconstruction", "kl"].map((term) => `${mode} ${term}: .*\n`));
    expect(`${stdout}${stderr}`).toMatch(new RegExp(`^${compared.join("")}$`));
    expect(status).toBe(0);
  });
}
