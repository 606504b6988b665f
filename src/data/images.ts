// A set of pictures as bytes: what every reader and generator of images returns, and all a model's training needs to know of them.

/** Pictures of one size, stored one after another, row by row, channels last. */
export interface Images {
  /** [count, height, width, channels], u8 and not f32: a data set stays a quarter of the size, on the device too. */
  readonly pixels: Uint8Array;
  /** One class per picture, where the source has classes. */
  readonly labels: Uint8Array | undefined;
  /** What the labels stand for, where the source has names: `classes[label]`. */
  readonly classes?: readonly string[] | undefined;
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** The byte that stands for 1.0: 255, or 1 in files that hold only zeros and ones. A model sees `pixel / white`. */
  readonly white: number;
  readonly name: string;
}

/** Throws if a set would take more memory than that, which is said before it is made. */
export function checkBytes(images: Pick<Images, "name" | "count" | "height" | "width" | "channels">, most: number = 2 ** 30): void {
  const { name, count, height, width, channels } = images;
  const bytes = count * height * width * channels;
  if (bytes <= most) return;
  const set = `${count} pictures of ${height} x ${width} x ${channels}`;
  throw new Error(`${name}: ${set} are ${bytes} bytes; at most ${most} are kept. Take a smaller size or fewer pictures`);
}

/** Pictures `start` to `end` (not included), without copying a pixel. */
export function sliceImages(images: Images, start: number, end: number = images.count): Images {
  if (!(Number.isInteger(start) && Number.isInteger(end) && 0 <= start && start <= end && end <= images.count)) {
    throw new Error(`sliceImages: ${start} to ${end} is not a range within the ${images.count} images of ${images.name}`);
  }
  const size = images.height * images.width * images.channels;
  return {
    ...images,
    pixels: images.pixels.subarray(start * size, end * size),
    labels: images.labels?.subarray(start, end),
    count: end - start,
  };
}

/** The pictures with these numbers, in this order, copied. */
export function pickImages(images: Images, numbers: readonly number[]): Images {
  const size = images.height * images.width * images.channels;
  const pixels = new Uint8Array(numbers.length * size);
  for (const [i, from] of numbers.entries()) pixels.set(images.pixels.subarray(from * size, (from + 1) * size), i * size);
  const { labels } = images;
  return { ...images, pixels, labels: labels && Uint8Array.from(numbers, (i) => labels[i]), count: numbers.length };
}
