// @ts-nocheck: what it is given is installed by the bench alone.
// The VAE's training step in TensorFlow.js: for the process that is measured, and for the pages whose size is.

const [STRIDE, PADDING] = [2, 1]; // of all convolutions

/**
 * A function of the noise that trains one step and returns the loss, a scalar. `p` has the parameters by name, and `layers` the names of
 * those of the encoder and of the decoder.
 */
export function trainingStep(tf, { p, layers: [encoder, decoder], x, batch }) {
  const isConv = (name) => p[`${name}.weight`].rank === 4;
  const linear = (x, name) => tf.add(tf.matMul(tf.reshape(x, [batch, -1]), p[`${name}.weight`]), p[`${name}.bias`]);
  const conv = (x, name) => tf.add(tf.conv2d(x, p[`${name}.weight`], STRIDE, PADDING), p[`${name}.bias`]);
  /** From a picture, or from the values of one: a square of as many channels as the weight takes. */
  const convTranspose = (x, name) => {
    const [, , outputs, inputs] = p[`${name}.weight`].shape;
    const side = Math.sqrt(x.size / batch / inputs);
    const shape = [batch, STRIDE * side, STRIDE * side, outputs];
    const y = tf.conv2dTranspose(tf.reshape(x, [batch, side, side, inputs]), p[`${name}.weight`], shape, STRIDE, PADDING);
    return tf.add(y, p[`${name}.bias`]);
  };
  const loss = (eps) => {
    const h = encoder.reduce((x, name) => tf.relu(isConv(name) ? conv(x, name) : linear(x, name)), x);
    const mean = linear(h, "mean");
    const logVariance = linear(h, "logVariance");
    const z = tf.add(mean, tf.mul(tf.exp(tf.mul(logVariance, 0.5)), eps));
    const y = decoder.reduce((x, name, i) => (isConv(name) ? convTranspose : linear)(i > 0 ? tf.relu(x) : x, name), z);
    const softplus = tf.add(tf.relu(y), tf.log1p(tf.exp(tf.neg(tf.abs(y)))));
    const reconstruction = tf.sum(tf.sub(softplus, tf.mul(tf.reshape(x, y.shape), y)));
    const kl = tf.mul(0.5, tf.sum(tf.sub(tf.sub(tf.add(tf.square(mean), tf.exp(logVariance)), logVariance), 1)));
    return tf.div(tf.add(reconstruction, kl), batch);
  };
  const optimizer = tf.train.adam(1e-3, 0.9, 0.999, 1e-8);
  return (eps) => tf.tidy(() => optimizer.minimize(() => loss(eps()), true));
}
