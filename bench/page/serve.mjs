// node bench/page/serve.mjs [PORT]: serves the page, after npm run build. Any server of files does, from the root of the repository:
// this one shows nothing but bench/ and dist/, and sends the headers with which the threads of `wasm` share memory.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";

/** @type {Record<string, string>} */
const types = { ".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".mjs": "text/javascript", ".wgsl": "text/plain" };
const root = new URL("../../", import.meta.url);

/** The address of the page, and how to end it. @param {number} port 0 for any that is free */
export async function serve(port) {
  const server = createServer(async ({ url = "" }, response) => {
    const { pathname } = new URL(url, "http://here"); // without .. in it
    const file = pathname.endsWith("/") ? `${pathname}index.html` : pathname;
    const isShown = /^\/(bench|dist)\//.test(file) && !/%|\/\./.test(file);
    const body = isShown ? await readFile(new URL(`.${file}`, root)).catch(() => undefined) : undefined;
    response.writeHead(body ? 200 : 404, {
      "Content-Type": `${types[extname(file)] ?? "application/octet-stream"}; charset=utf-8`,
      "Cross-Origin-Opener-Policy": "same-origin",
      "Cross-Origin-Embedder-Policy": "require-corp",
    });
    response.end(body);
  });
  await new Promise((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", () => resolve(undefined)));
  const { port: given } = /** @type {import("node:net").AddressInfo} */ (server.address());
  const close = () =>
    new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${given}/bench/`, close };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await serve(Number(process.argv[2] ?? 8000));
  console.log(url);
}
