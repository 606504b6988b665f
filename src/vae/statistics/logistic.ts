// Multinomial logistic regression: p(class | x) = softmax(W x + b), the linear classifier that says how plainly rows show their classes. The
// parameters minimize Σ -log p(label | x) + ridge/2 |W|², which is convex: there is one minimum, and no rate or seed to choose (Bishop,
// Pattern Recognition and Machine Learning, section 4.3.4). Columns are standardized first, so that the ridge means the same to each.

import { minimize } from "./lbfgs.ts";
import { checkColumns, checked, moments, type Rows } from "./rows.ts";

export interface LogisticOptions {
  /** The weight of |W|²/2 beside a sum over rows. 1 is scikit-learn's default. Above 0: without, classes that can be separated have no minimum. */
  readonly ridge?: number;
  readonly steps?: number;
}

export interface Logistic {
  readonly classes: number;
  /** [classes, columns], for the columns as they are. */
  readonly weights: Float64Array;
  /** [classes] */
  readonly biases: Float64Array;
  /** Σ -log p(label | x) + ridge/2 |W|², at the end, in nats. */
  readonly loss: number;
  /** Whether the minimum was reached. */
  readonly settled: boolean;
  /** The most probable class of each row. */
  predict(x: Rows): Uint32Array;
}

/** Fits to rows and their labels, whole numbers from 0 on. */
export function logisticRegression(x: Rows, labels: ArrayLike<number>, { ridge = 1, steps = 300 }: LogisticOptions = {}): Logistic {
  const { values, count, columns } = checked("logisticRegression", x);
  if (labels.length !== count) throw new Error(`logisticRegression: ${labels.length} labels for ${count} rows`);
  if (!(ridge > 0 && Number.isFinite(ridge))) throw new Error(`logisticRegression: ridge ${ridge} is not a number above 0`);
  let classes = 0;
  for (let i = 0; i < count; i++) {
    if (!(Number.isInteger(labels[i]) && labels[i] >= 0))
      throw new Error(`logisticRegression: label ${labels[i]} of row ${i} is not a whole number from 0 on`);
    classes = Math.max(classes, labels[i] + 1);
  }
  const { mean, variance } = moments(x);
  const scale = variance.map((v) => (v > 0 ? 1 / Math.sqrt(v) : 0)); // a column that does not vary says nothing
  const standard = new Float64Array(values.length);
  for (let i = 0, at = 0; i < count; i++) for (let j = 0; j < columns; j++, at++) standard[at] = (values[at] - mean[j]) * scale[j];

  // One row of [classes, columns + 1]: the weights, and the bias behind them. Mean over rows, so that the tolerance is one for any number.
  const width = columns + 1;
  const p = new Float64Array(classes);
  const f = (w: Float64Array, dw: Float64Array) => {
    dw.fill(0);
    let loss = 0;
    for (let i = 0; i < count; i++) {
      const row = i * columns;
      loss += softmax(w, standard, row, width, p, labels[i]);
      for (let c = 0; c < classes; c++) {
        const d = (p[c] - (c === labels[i] ? 1 : 0)) / count; // d loss / d logit = p - [c is the label]
        for (let j = 0; j < columns; j++) dw[c * width + j] += d * standard[row + j];
        dw[c * width + columns] += d;
      }
    }
    for (let at = 0; at < w.length; at++) {
      if (at % width === columns) continue;
      loss += (ridge / 2) * w[at] ** 2;
      dw[at] += (ridge / count) * w[at];
    }
    return loss / count;
  };
  const { x: w, value, settled } = minimize(f, new Float64Array(classes * width), { tolerance: 1e-6, steps });
  const weights = new Float64Array(classes * columns);
  const biases = new Float64Array(classes);
  for (let c = 0; c < classes; c++) {
    biases[c] = w[c * width + columns];
    for (let j = 0; j < columns; j++) {
      weights[c * columns + j] = w[c * width + j] * scale[j];
      biases[c] -= weights[c * columns + j] * mean[j];
    }
  }
  const predict = (rows: Rows) => {
    checkColumns("predict", rows, columns);
    return Uint32Array.from({ length: rows.count }, (_, i) => {
      let [best, most] = [0, Number.NEGATIVE_INFINITY];
      for (let c = 0; c < classes; c++) {
        let logit = biases[c];
        for (let j = 0; j < columns; j++) logit += weights[c * columns + j] * rows.values[i * columns + j];
        if (logit > most) [best, most] = [c, logit];
      }
      return best;
    });
  };
  return { classes, weights, biases, loss: value * count, settled, predict };
}

/** -log p(label | row), for the row that begins at `row`; the probabilities of all classes are left in `p`. */
function softmax(w: Float64Array, x: Float64Array, row: number, width: number, p: Float64Array, label: number): number {
  let most = Number.NEGATIVE_INFINITY;
  for (let c = 0; c < p.length; c++) {
    let logit = w[c * width + width - 1];
    for (let j = 0; j < width - 1; j++) logit += w[c * width + j] * x[row + j];
    p[c] = logit;
    most = Math.max(most, logit);
  }
  const own = p[label] - most;
  let sum = 0;
  for (let c = 0; c < p.length; c++) sum += p[c] = Math.exp(p[c] - most);
  for (let c = 0; c < p.length; c++) p[c] /= sum;
  return Math.log(sum) - own;
}

/** The share of predictions that are the labels. */
export function accuracy(predicted: ArrayLike<number>, labels: ArrayLike<number>): number {
  if (predicted.length !== labels.length || labels.length === 0)
    throw new Error(`accuracy: ${predicted.length} predictions for ${labels.length} labels`);
  let right = 0;
  for (let i = 0; i < labels.length; i++) if (predicted[i] === labels[i]) right++;
  return right / labels.length;
}
