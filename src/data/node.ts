// What ./index.ts offers, and readers of files, which only Node can.

export { hasIdx, readIdx, readImages } from "./files.node.ts";
export { type PicturesOptions, readPictures } from "./folder.node.ts";
export * from "./index.ts";
