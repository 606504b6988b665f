// The linear probe: how well a linear classifier tells the labels from codes, on rows that it was not fitted to (Alain and Bengio 2016,
// "Understanding intermediate layers using linear classifier probes"). A figure alone says little, because pixels show their classes too:
// so beside it stands the same probe on as many principal components of the pixels, which is what needs no model.

import { type Images, sliceImages } from "../../data/images.ts";
import { accuracy, logisticRegression } from "../statistics/logistic.ts";
import { pca, projected } from "../statistics/pca.ts";
import { type Rows, rowsOf } from "../statistics/rows.ts";

/** Rows, and the class of each: whole numbers from 0 on. */
export interface LabelledRows {
  readonly rows: Rows;
  readonly labels: ArrayLike<number>;
}

export interface Probe {
  /** The share of rows that the classifier is right about: of those it was fitted to, and of the others. */
  readonly train: number;
  readonly test: number;
  /** The share of test rows that have the label most frequent in training: right without a look at the rows. */
  readonly chance: number;
  /** Whether the fit reached its minimum; else the figures are those of where it stopped. */
  readonly settled: boolean;
}

/** Fits a linear classifier to the training rows, and counts how often it is right there and on the test rows. */
export function linearProbe(train: LabelledRows, test: LabelledRows): Probe {
  const counts = new Map<number, number>();
  for (let i = 0; i < train.labels.length; i++) counts.set(train.labels[i], (counts.get(train.labels[i]) ?? 0) + 1);
  if (counts.size < 2)
    throw new Error(`linearProbe: all training rows have the label ${train.labels[0]}; two labels or more can be told apart`);
  const [[frequent]] = [...counts].sort(([, a], [, b]) => b - a);
  const { predict, settled } = logisticRegression(train.rows, train.labels);
  return {
    train: accuracy(predict(train.rows), train.labels),
    test: accuracy(predict(test.rows), test.labels),
    chance: accuracy(new Uint32Array(test.rows.count).fill(frequent), test.labels),
    settled,
  };
}

const MOST_VALUES = 2 ** 26; // of pixels, for the principal components: 256 MB

/**
 * The pixels of both sets along the `kept` principal components of the training pixels. Where those would take too much memory as floats, the
 * components are of the first of them, as many as fit.
 */
export async function pixelComponents(train: Images, test: Images, kept: number): Promise<{ train: Rows; test: Rows }> {
  const size = train.height * train.width * train.channels;
  const fit = Math.min(train.count, Math.floor(MOST_VALUES / size));
  const components = await pca(pixelRows(sliceImages(train, 0, fit)), kept);
  const along = async (images: Images) => {
    const result = new Float64Array(images.count * kept);
    for (let start = 0; start < images.count; start += fit) {
      const part = sliceImages(images, start, Math.min(start + fit, images.count));
      result.set(await projected(components, pixelRows(part)), start * kept);
    }
    return rowsOf(result, kept);
  };
  return { train: await along(train), test: await along(test) };
}

/** Pixels as a model sees them, one picture a row. */
export function pixelRows({ pixels, white, height, width, channels }: Images): Rows {
  return rowsOf(
    Float32Array.from(pixels, (v) => v / white),
    height * width * channels,
  );
}
