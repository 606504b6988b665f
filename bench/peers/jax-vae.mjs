// @ts-nocheck: what it is given is installed by the bench alone.
// The VAE's training step in jax-js, whole in one jit: for the process that is measured, and for the page whose size is. Weights lie as
// PyTorch has them, [outputs, inputs], and softplus is its own, log(1 + eˣ): both are the faster way here. Its convolutions take pictures
// with channels first, and no others.

const [STRIDES, PADDING] = [
  [2, 2],
  [
    [1, 1],
    [1, 1],
  ],
]; // of all convolutions

/**
 * Two functions of the state and of what is drawn: `given` takes the noise, `drawn` a key. The state has parameters `p`, moments `m` and `v`
 * and the step count `t`; they return the next one, and the loss as `l`. A function takes its arguments for good; what is used again is passed as `.ref`.
 */
export function trainingStep({ jit, lax, nn, numpy: np, random, tree, valueAndGrad }, { layers: [encoder, decoder], batch, latent }) {
  const linear = (x, { w, b }) => np.matmul(x.reshape([batch, -1]), w.transpose()).add(b);
  const conv = (x, { w, b }) => lax.convGeneralDilated(x, w, STRIDES, PADDING).add(b.reshape([1, -1, 1, 1]));
  /** From a picture, or from the values of one: a square of as many channels as the weight takes. */
  const convTranspose = (x, { w, b }) => {
    const inputs = w.shape[0];
    const side = Math.sqrt(x.size / batch / inputs);
    const picture = x.reshape([batch, inputs, side, side]);
    return lax.convTranspose(picture, w, STRIDES, PADDING, { transposeKernel: true }).add(b.reshape([1, -1, 1, 1]));
  };
  const isConv = ({ w }) => w.ndim === 4;
  const loss = (p, x, eps) => {
    const h = encoder.reduce((x, name) => nn.relu((isConv(p[name]) ? conv : linear)(x, p[name])), x.ref);
    const mean = linear(h.ref, p.mean);
    const logVariance = linear(h, p.logVariance);
    const z = mean.ref.add(np.exp(logVariance.ref.mul(0.5)).mul(eps));
    const y = decoder.reduce((x, name, i) => (isConv(p[name]) ? convTranspose : linear)(i > 0 ? nn.relu(x) : x, p[name]), z);
    const reconstruction = nn.softplus(y.ref).sub(x.mul(y)).sum();
    const kl = np.square(mean).add(np.exp(logVariance.ref)).sub(logVariance).sub(1).sum().mul(0.5);
    return reconstruction.add(kl).div(batch);
  };
  const update = (p, m, v, t, x, eps) => {
    const [l, g] = valueAndGrad(loss)(tree.ref(p), x, eps);
    t = t.add(1);
    const correction = np.sqrt(np.subtract(1, np.exp(t.ref.mul(Math.log(0.999)))));
    const pace = correction.ref.mul(1e-3).div(np.subtract(1, np.exp(t.ref.mul(Math.log(0.9)))));
    const floor = correction.mul(1e-8);
    m = tree.map((m, g) => m.mul(0.9).add(g.mul(0.1)), m, tree.ref(g));
    v = tree.map((v, g) => v.mul(0.999).add(np.square(g).mul(0.001)), v, g);
    p = tree.map((p, m, v) => p.sub(m.mul(pace.ref).div(np.sqrt(v).add(floor.ref))), p, tree.ref(m), tree.ref(v));
    for (const used of [pace, floor]) used.dispose();
    return { p, m, v, t, l };
  };
  const given = jit(update);
  const drawn = jit((p, m, v, t, x, key) => update(p, m, v, t, x, random.normal(key, [batch, latent])));
  return { given, drawn };
}
