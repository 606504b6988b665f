// How the tests run. Two projects: `node` (the js device, and Dawn on the software driver) and `chromium` (a real browser).
import { availableParallelism } from "node:os";
import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";
import { embed } from "./scripts/embed.mjs";
import { browserLaunch, driverEnvironment } from "./test/setup/driver.mjs";

embed();
Object.assign(process.env, driverEnvironment()); // the workers that run the tests are started with it

const isolated = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };

export default defineConfig({
  plugins: [
    {
      name: "embed",
      configureServer({ watcher }) {
        watcher.on("all", (_event, file) => file.endsWith(".wgsl") && embed());
      },
    },
  ],
  server: { headers: isolated }, // a page needs them for memory shared between threads
  test: {
    reporters: ["default", "./test/setup/devices.ts"],
    testTimeout: 60_000, // the software driver compiles a kernel in up to a second
    // Two files at a time on two cores as well, where vitest would leave one core to itself: many tests wait for a driver or a process.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    hookTimeout: 180_000, // some build the package and train models first, perhaps beside other work
    projects: [
      {
        extends: true,
        test: { name: "node", include: ["test/**/*.test.ts"], exclude: ["test/browser/**"], pool: "forks" },
      },
      {
        extends: true,
        test: {
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({ launchOptions: browserLaunch() }),
            instances: [{ browser: "chromium", name: "chromium" }],
          },
        },
      },
    ],
  },
});
