// npm run test:science: trainings of minutes that must end where published ones do. No part of npm test.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: fileURLToPath(new URL("../..", import.meta.url)),
    include: ["test/science/*.science.ts"],
    pool: "forks",
    fileParallelism: false, // a training has all cores
    disableConsoleIntercept: true, // what is printed is the result
  },
});
