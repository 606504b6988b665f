// node scripts/with-driver.mjs COMMAND…   runs COMMAND where Dawn finds the software driver from npm.
// A driver named in VK_DRIVER_FILES is kept.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { driverEnvironment } from "../test/setup/driver.mjs";

const [command, ...args] = process.argv.slice(2);
if (!command) {
  console.error("usage: node scripts/with-driver.mjs COMMAND…");
  process.exit(2);
}
const child = spawn(command, args, { stdio: "inherit", env: { ...process.env, ...driverEnvironment() } });
process.on("SIGINT", () => {}); // the terminal tells the command too, and the command decides how it ends
process.on("SIGTERM", () => child.kill("SIGTERM"));
child.on("exit", (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : (code ?? 1)));
child.on("error", (error) => {
  console.error(`with-driver: ${error.message}`);
  process.exit(1);
});
