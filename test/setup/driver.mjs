// A WebGPU driver and a browser that come from npm, for machines with no GPU, no Vulkan loader and no Chromium.
// The package @sparticuz/chromium carries headless Chromium, SwiftShader (a Vulkan driver in software) and a Vulkan loader,
// packed with brotli. This file unpacks them and says how to start a process on them. It opens no device itself.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync } from "node:zlib";

const modules = fileURLToPath(new URL("../../node_modules/", import.meta.url));
const carrier = join(modules, "@sparticuz/chromium");

/** The environment in which Dawn finds SwiftShader. The loader looks at it once, as the process starts, so it is for children. */
export function driverEnvironment() {
  const folder = unpacked();
  if (!folder) return {};
  return {
    LD_LIBRARY_PATH: searchPath(folder), // libvulkan.so.1
    VK_DRIVER_FILES: process.env["VK_DRIVER_FILES"] ?? join(folder, "vk_swiftshader_icd.json"),
    XDG_RUNTIME_DIR: process.env["XDG_RUNTIME_DIR"] ?? folder, // only so that no driver complains of its absence
  };
}

/** What Playwright needs to launch a Chromium whose WebGPU runs on SwiftShader. */
export function browserLaunch() {
  const args = ["--no-sandbox", "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];
  const folder = unpacked();
  if (!folder) return { args, channel: "chrome" };
  /** @type {Record<string, string>} */
  const env = { LD_LIBRARY_PATH: searchPath(folder, join(folder, "lib")) }; // NSS, NSPR and expat, where the system has none
  if (!existsSync("/etc/fonts/fonts.conf")) env["FONTCONFIG_FILE"] = join(folder, "fonts.conf");
  return { args, executablePath: join(folder, "chromium"), env: { ...process.env, ...env } };
}

/** The folder of the unpacked files, or nothing on a system they are not made for: there the system's own are used. */
function unpacked() {
  if (process.platform !== "linux" || process.arch !== "x64") return undefined;
  const { version } = JSON.parse(readFileSync(join(carrier, "package.json"), "utf8"));
  const folder = join(modules, ".cache/elbo-driver", version);
  if (existsSync(folder)) return folder;

  // Unpacked beside and renamed: the folder is whole or not there, whoever else is doing the same.
  const draft = `${folder}.${process.pid}`;
  mkdirSync(draft, { recursive: true });
  for (const archive of ["swiftshader", "al2023", "fonts"]) untar(inflated(`${archive}.tar.br`), draft);
  writeFileSync(join(draft, "chromium"), inflated("chromium.br"), { mode: 0o755 });
  writeFileSync(join(draft, "fonts.conf"), `<fontconfig><dir>${folder}/fonts</dir><cachedir>${folder}/fonts</cachedir></fontconfig>\n`);
  try {
    renameSync(draft, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
    rmSync(draft, { recursive: true });
  }
  return folder;
}

/** @param {string} name */
function inflated(name) {
  return brotliDecompressSync(readFileSync(join(carrier, "bin", name)));
}

/**
 * A tar archive is a 512-byte header (name at 0, size in octal at 124, kind at 156) and the file, padded to 512, repeated.
 * @param {Buffer} tar
 * @param {string} folder
 */
function untar(tar, folder) {
  for (let at = 0; at < tar.length && tar[at] !== 0; ) {
    const name = tar.toString("utf8", at, tar.indexOf(0, at));
    const size = Number.parseInt(tar.toString("latin1", at + 124, at + 136), 8);
    const isFile = tar[at + 156] === 0x30;
    if (isFile) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), tar.subarray(at + 512, at + 512 + size));
    }
    at += 512 + Math.ceil(size / 512) * 512;
  }
}

/** @param {string[]} folders */
function searchPath(...folders) {
  return [...folders, process.env["LD_LIBRARY_PATH"]].filter(Boolean).join(":");
}
