// What ./index.ts offers, and readers of files, which only Node can.

export { readIdx, readImages } from "./files.node.ts";
export * from "./index.ts";
