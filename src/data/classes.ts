// One class of labelled pictures: those of it, and all others.

import { type Images, pickImages } from "./images.ts";

/** The images of a class, and the rest. Throws if there are no labels, or no image of that class. */
export function byClass(images: Images, label: number): { own: Images; others: Images } {
  const { labels, count, name } = images;
  if (!labels) throw new Error(`class ${label}: the images of ${name} have no labels`);
  const numbers = Array.from({ length: count }, (_, i) => i);
  const pick = (isOwn: boolean): Images =>
    pickImages(
      images,
      numbers.filter((i) => (labels[i] === label) === isOwn),
    );
  const own = pick(true);
  if (own.count === 0) throw new Error(`class ${label}: none of the ${count} images of ${name} is of it; there are ${written(images)}`);
  return { own, others: pick(false) };
}

/** The label that a text means: the name of a class, or its number. Throws if it means none. */
export function labelNamed(images: Pick<Images, "labels" | "classes" | "name">, text: string): number {
  const named = images.classes?.indexOf(text) ?? -1;
  const label = named >= 0 ? named : Number(text);
  if (named >= 0 || (/^\d+$/.test(text) && label <= 255)) return label;
  throw new Error(
    `class "${text}": ${images.labels ? `${images.name} has ${written(images)}` : `the images of ${images.name} have no labels`}`,
  );
}

const MOST = 12; // classes in a message

/** The classes there are, by number and name. */
function written({ labels, classes }: Pick<Images, "labels" | "classes">): string {
  const there = [...new Set(labels)].sort((a, b) => a - b);
  const shown = there.slice(0, MOST).map((label) => (classes?.[label] === undefined ? `${label}` : `${label} (${classes[label]})`));
  return `classes ${shown.join(", ")}${there.length > MOST ? ", …" : ""}`;
}
