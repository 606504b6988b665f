// Single convolutions, 4 x 4, stride 2, padding 1, of batches of pictures [n, h, w, c]: the output, and both gradients.

export const BATCH = 64;
export const KERNEL = 4;
/** As the ops take them. */
export const OPTIONS = { stride: 2, padding: 1 };

/** Height x width x channels x filters. The first is the largest of conv28, and the second its outermost; the third is conv64's largest. */
export const LAYERS = ["14x14x32x64", "28x28x1x32", "32x32x32x32", "16x16x64x128"];

/** What is computed, by its name in the files. */
export const ROLES = { y: "forward", dx: "input gradient", dw: "weight gradient" };
/** @typedef {keyof typeof ROLES} Role */
export const roles = /** @type {Role[]} */ (Object.keys(ROLES));

/** The name of one of the three in the results. @param {string} layer @param {Role} role */
export const passOf = (layer, role) => `${layer} ${ROLES[role]}`;

/** The shapes of what is given and of what is computed, as Elbo has them. @param {string} layer @returns {Record<"x" | "w" | "dy" | Role, number[]>} */
export function shapesOf(layer) {
  const [h, w, c, o] = layer.split("x").map(Number);
  const x = [BATCH, h, w, c];
  const y = [BATCH, h / OPTIONS.stride, w / OPTIONS.stride, o];
  const weight = [KERNEL, KERNEL, c, o];
  return { x, w: weight, dy: y, y, dx: x, dw: weight };
}

/** Multiplications and additions of each of the three, those with the zeros of the padding among them. @param {string} layer */
export function flopOf(layer) {
  const { y, w } = shapesOf(layer);
  const [kh, kw, c] = w;
  return 2 * kh * kw * c * y.reduce((a, b) => a * b);
}
