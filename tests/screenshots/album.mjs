// Takes a picture of a page in each size and scheme, and notes pages wider than their screen.
import { join } from 'node:path';

const SIZES = {
  phone: { width: 390, height: 844 },
  laptop: { width: 1280, height: 800 },
};
const NARROW = { width: 320, height: 640 };
const SCHEMES = ['light', 'dark'];

export class Album {
  count = 0;
  faults = [];

  constructor(directory) {
    this.directory = directory;
  }

  /// The page as it stands, in all sizes and schemes; `whole` goes beyond the fold.
  async take(name, page, { whole = true, sizes = Object.keys(SIZES), narrow = false } = {}) {
    const before = page.viewportSize();
    for (const size of sizes) await this.#inSchemes(`${name}-${size}`, page, SIZES[size], whole);
    if (narrow) await this.#inSchemes(`${name}-narrow`, page, NARROW, whole);
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'no-preference' });
    await page.setViewportSize(before);
  }

  async #inSchemes(name, page, viewport, whole) {
    await page.setViewportSize(viewport);
    for (const colorScheme of SCHEMES) {
      // Colours change over time unless motion is reduced.
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      // Two frames: one for the media query, one for what scripts draw after it.
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (over > 0) this.faults.push(`${name}: ${over} px wider than the screen`);
      await page.screenshot({ path: join(this.directory, `${name}-${colorScheme}.png`), fullPage: whole });
      this.count += 1;
    }
  }
}
