// The page of the benches in a real browser, on its software driver: it climbs a ladder, and refuses a kernel that is wrong.
import { type Browser, chromium, type Page } from "playwright";
import { afterAll, beforeAll, expect, test } from "vitest";
import { serve } from "../bench/page/serve.mjs";
import { browserLaunch } from "./setup/driver.mjs";

let browser: Browser;
let page: Page;
let site: Awaited<ReturnType<typeof serve>>;
const errors: string[] = [];
beforeAll(async () => {
  site = await serve(0);
  browser = await chromium.launch(browserLaunch());
  page = await browser.newPage();
  page.on("pageerror", ({ message }) => errors.push(message));
  await page.goto(`${site.url}?seconds=0`);
  await page.waitForFunction(() => (document.querySelector("#kernel") as HTMLTextAreaElement).value.includes("fn main"));
});
afterAll(async () => {
  await browser.close();
  await site.close();
});

const cells = () =>
  page.locator("#table tr").evaluateAll((rows) => rows.map((row) => [...row.children].map(({ textContent }) => textContent)));

test("every rung of the convolution is verified and timed, with a bar [chromium]", async () => {
  await page.selectOption("#ladder", "conv");
  await page.fill("#size", "1,5,4,3,5");
  await page.click("#climb button");
  await page.getByText("done").waitFor();
  expect(await page.locator("#refused").isVisible()).toBe(false);
  const [head, ...rows] = await cells();
  expect(head).toContain("GFLOP/s");
  expect(rows.map(([name]) => name)).toEqual([
    "conv-1-naive",
    "conv-2-vectors",
    "conv-3-product",
    "conv-4, the library's, tiled",
    "the library's, simple",
  ]);
  for (const row of rows) expect(Number(row[head.indexOf("GFLOP/s")]), row[0] ?? "").toBeGreaterThan(0);
  expect(await page.locator("#chart rect").count()).toBe(5);
});

test("a kernel that is pasted is refused with its first wrong element, and taken when it is right [chromium]", async () => {
  await page.selectOption("#ladder", "matmul");
  await page.fill("#size", "5,7,9");
  await page.selectOption("#rung", "matmul-2-neighbours");
  await page.waitForFunction(() =>
    (document.querySelector("#kernel") as HTMLTextAreaElement).value.includes("lane.x runs along the columns"),
  );
  const right = await page.inputValue("#kernel");

  await page.fill("#kernel", right.replace("var p = 0u", "var p = 1u"));
  await page.click("#judge button");
  await page.locator("#refused").waitFor();
  expect(await page.textContent("#refused")).toMatch(/^yours\.wgsl: c\[0, 0\] is .* in float64$/);
  expect(await cells()).toEqual([]);

  await page.fill("#kernel", right.replace("+= a[", "+= aa["));
  await page.click("#judge button");
  await page.getByText("unresolved").waitFor();
  expect(await page.textContent("#refused")).toMatch(/^yours\.wgsl:26: .*\n {4}sum \+= aa.*\n {11}\^$/);

  await page.fill("#kernel", right);
  await page.click("#judge button");
  await page.locator("#chart rect.own").waitFor();
  expect(await page.locator("#refused").isVisible()).toBe(false);
  expect((await cells())[1][0]).toBe("yours.wgsl");
  expect(errors).toEqual([]);
});

test("nothing but the benches and the library is served", async () => {
  const status = async (path: string) => (await fetch(new URL(path, site.url))).status;
  expect(await status("/bench/index.html")).toBe(200);
  expect(await status("/dist/index.js")).toBe(200);
  for (const path of ["/package.json", "/bench/../package.json", "/bench/%2e%2e/package.json", "/bench/.git", "/"])
    expect(await status(path), path).toBe(404);
});
