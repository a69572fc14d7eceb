// A reliable channel of the laboratory's own on the connection of two link pages: it counts, so
// that whatever is lost, doubled or late shows.

/// Runs in a page whose link is open: opens the channel. It is agreed on beforehand, so that the
/// page's own program hears nothing of it.
export function openCounting() {
  const now = () => performance.timeOrigin + performance.now();
  const pc = window.__peerConnections.find((each) => each.connectionState === 'connected');
  const channel = pc.createDataChannel('counting', { negotiated: true, id: 1000 });
  const count = { sent: [], came: [] };
  window.__count = count;
  channel.onmessage = ({ data }) => count.came.push({ number: Number(data), at: now() });
  window.__startCounting = (everyMs) => {
    const timer = setInterval(() => {
      if (channel.readyState !== 'open') return;
      channel.send(String(count.sent.length));
      count.sent.push(now());
    }, everyMs);
    window.__stopCounting = () => clearInterval(timer);
  };
}

/// Starts on both devices and waits until each has heard the other.
export async function bothWays(devices, everyMs) {
  const pages = devices.map(({ device }) => device.page);
  // What comes before a side has the channel is nobody's: both have it before one begins.
  await Promise.all(pages.map((page) => page.evaluate(openCounting)));
  await Promise.all(pages.map((page) => page.evaluate((ms) => window.__startCounting(ms), everyMs)));
  await Promise.all(pages.map((page) => page.waitForFunction(() => window.__count.came.length > 0)));
}

/// Waits until something that was sent after `since` has come, both ways. Returns when the later
/// of the two came.
export async function heardAfter(devices, since) {
  const pages = devices.map(({ device }) => device.page);
  const [left, right] = await Promise.all(pages.map((page) => page.waitForFunction((moment) => {
    const first = window.__count.sent.findIndex((at) => at >= moment);
    return first === -1 ? false : { first };
  }, since).then((handle) => handle.jsonValue())));
  const arrivals = await Promise.all([[pages[0], right], [pages[1], left]].map(async ([page, { first }]) => {
    const handle = await page.waitForFunction((number) => window.__count.came.find((each) => each.number >= number), first);
    return (await handle.jsonValue()).at;
  }));
  return Math.max(...arrivals);
}

/// Ends the counting and says what of it was lost or doubled, both ways together.
export async function settle(devices) {
  const pages = devices.map(({ device }) => device.page);
  const sent = await Promise.all(pages.map((page) => page.evaluate(() => {
    window.__stopCounting();
    return window.__count.sent.length;
  })));
  const came = await Promise.all([[pages[0], sent[1]], [pages[1], sent[0]]].map(async ([page, wanted]) => {
    // What never comes is lost: the wait has an end.
    await page.waitForFunction((number) => window.__count.came.length >= number, wanted, { timeout: 10_000 }).catch(() => {});
    return page.evaluate(() => window.__count.came.map(({ number }) => number));
  }));
  const total = sent[0] + sent[1];
  const distinct = came.reduce((sum, numbers) => sum + new Set(numbers).size, 0);
  const all = came.reduce((sum, numbers) => sum + numbers.length, 0);
  const isOrdered = came.every((numbers) => numbers.every((number, i) => i === 0 || number > numbers[i - 1]));
  return { total, lost: total - distinct, doubled: all - distinct, isOrdered };
}
