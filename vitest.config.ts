// How the tests run: in Node, on the js device and on Dawn.
import { defineConfig } from "vitest/config";
import { embed } from "./scripts/embed.mjs";

embed();

export default defineConfig({
  test: {
    projects: [{ extends: true, test: { name: "node", include: ["test/**/*.test.ts"], exclude: ["test/browser/**"], environment: "node" } }],
  },
});
