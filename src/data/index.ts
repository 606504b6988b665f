// Data for any platform: generated sets, the readers of bytes, and the picture of many pictures.

export { type DigitsOptions, digits } from "./digits.ts";
export { type GridOptions, imageGrid, type Picture } from "./grid.ts";
export { gunzip, isGzip } from "./gunzip.ts";
export { heat } from "./heat.ts";
export { type Idx, parseIdx } from "./idx.ts";
export { checkBytes, type Images, pickImages, sliceImages } from "./images.ts";
export { type Channels, type ResizeOptions, recolor, resizeImages, resizePicture } from "./resize.ts";
export { type ShapeFactors, type ShapesOptions, shape, shapeFactors, shapeSizes, shapes } from "./shapes.ts";
