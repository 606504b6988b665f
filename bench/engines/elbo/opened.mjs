// The device that the arguments name.
import { open } from "elbo";
import { options } from "../../peers/peer.mjs";

export function opened() {
  const { backend, threads, turbo } = options;
  /** @type {object} */
  const settings = backend === "wasm" ? { threads, turbo } : {};
  return open(/** @type {import("elbo").DeviceName} */ (backend), settings);
}
