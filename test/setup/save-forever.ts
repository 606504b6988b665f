// Saves a run over and over until it is killed: DIR and a first number are its arguments. All parameters of a save are one number.
import { denseVae } from "../../src/vae/index.ts";
import { saveRun } from "../../src/vae/run.node.ts";

const [dir, first] = process.argv.slice(2);
const model = denseVae({ input: 64, hidden: 200, latent: 8 });
console.log("ready");
for (let n = Number(first); ; n++) {
  for (const t of model.parameters.values()) (t.storage!.block.host as Float32Array).fill(n);
  await saveRun(dir, { model, training: { n }, metrics: [{ n }] });
  console.log("saved");
}
