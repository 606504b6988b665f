// A web server of files, for pages that need headers of their own: the first part of an address names the headers.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";

export interface Site extends AsyncDisposable {
  /** Of a file, under these headers. */
  readonly url: (headers: string, path: string) => string;
}

const types: Record<string, string> = { ".html": "text/html", ".js": "text/javascript" };

export async function serve(root: string, headers: Record<string, Record<string, string>>): Promise<Site> {
  const server = createServer(async ({ url = "" }, response) => {
    const [, name, path] = /^\/([^/]*)\/([^?]*)/.exec(url) ?? ["", "", ""];
    const body = path.includes("..") ? undefined : await readFile(join(root, path)).catch(() => undefined);
    response.writeHead(body && name in headers ? 200 : 404, { "Content-Type": types[extname(path)] ?? "text/plain", ...headers[name] });
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: (name, path) => `http://127.0.0.1:${port}/${name}/${path}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
