// Renders the icons of web/public into the PNG sizes that phones ask for. Run by hand when one changes.
import { readFile } from "node:fs/promises";
import { chromium } from "playwright-core";

const PUBLIC = new URL("../../web/public/", import.meta.url);
const GROUND = "#16201c";
/** Maskable icons lose up to 20 % at each side. */
const MASKABLE_SCALE = 0.72;
const NAMES = ["icon", "chat-icon"];
const TARGETS = NAMES.flatMap((name) => [
  { name, file: `${name}-180.png`, size: 180, scale: 1 },
  { name, file: `${name}-192.png`, size: 192, scale: 1 },
  { name, file: `${name}-512.png`, size: 512, scale: 1 },
  { name, file: `${name}-maskable-512.png`, size: 512, scale: MASKABLE_SCALE },
]);

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium" });
for (const { name, file, size, scale } of TARGETS) {
  const svg = await readFile(new URL(`${name}.svg`, PUBLIC), "utf8");
  const page = await browser.newPage({ viewport: { width: size, height: size } });
  const ground = scale < 1 || file.includes("180") ? GROUND : "transparent";
  await page.setContent(
    `<style>*{margin:0}body{background:${ground};display:grid;place-items:center;height:100vh}
     svg{width:${size * scale}px;height:${size * scale}px}</style>${svg}`,
  );
  await page.screenshot({ path: new URL(file, PUBLIC).pathname, omitBackground: true });
  await page.close();
}
await browser.close();
