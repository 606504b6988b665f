// Saved models load in PyTorch and give the same loss there. Skipped where no python3 has torch: `apt install python3-torch`.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { digits } from "../../src/data/index.ts";
import { tensor } from "../../src/index.ts";
import { sample } from "../../src/kernels/sample.ts";
import { open } from "../../src/node.ts";
import { type DenseOptions, denseVae, train } from "../../src/vae/index.ts";
import { saveRun } from "../../src/vae/run.node.ts";

const script = fileURLToPath(new URL("pytorch.py", import.meta.url));
const root = mkdtempSync(join(tmpdir(), "elbo-pytorch-"));
afterAll(() => rmSync(root, { recursive: true }));

const python = ["python3", "/usr/bin/python3"].find((path) => spawnSync(path, ["-c", "import torch"]).status === 0);
if (!python) console.log("no python3 here has PyTorch: the tests that load models there are skipped");

const models: [string, Omit<DenseOptions, "input">][] = [
  ["bernoulli", {}],
  ["gaussian", { likelihood: "gaussian", hidden: [40, 20], activation: "tanh", beta: 0.5 }],
];
for (const [name, options] of models) {
  test.skipIf(!python)(`PyTorch loads a saved model, strictly, and agrees on its loss: ${name} [js]`, async () => {
    await using _ = await open("js");
    using model = denseVae({ input: [28, 28, 1], hidden: 40, latent: 5, ...options });
    const images = digits({ count: 64 });
    await train(model, { train: images }, { batch: 16, epochs: 3 });
    const dir = join(root, name);
    await saveRun(dir, { model });

    const x = tensor(
      Float32Array.from(images.pixels, (v) => v / 255),
      [64, 784],
    );
    const noise = sample([64, 5], -2, 2);
    const { loss, reconstruction, kl } = model.terms(x, { noise });
    const [l, r, k] = await Promise.all([loss.item(), reconstruction.item(), kl.item()]);
    const batch = join(root, `${name}.json`);
    writeFileSync(batch, JSON.stringify({ x: await x.array(), noise: await noise.array(), loss: l, reconstruction: r, kl: k }));
    const { status, stdout, stderr } = spawnSync(python as string, [script, dir, batch], { encoding: "utf8" });
    expect(`${stdout}${stderr}`).toMatch(/^loss: .*\nreconstruction: .*\nkl: .*\n$/);
    expect(status).toBe(0);
  });
}
