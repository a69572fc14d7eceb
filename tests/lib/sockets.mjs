// Keeps the page's WebSockets: their close codes and what they offered.

/// Runs in the page before its scripts.
export function keepSockets() {
  const kept = [];
  window.__sockets = kept;
  const Native = window.WebSocket;
  window.WebSocket = class extends Native {
    constructor(url, protocols = []) {
      super(url, protocols);
      const entry = { socket: this, url: String(url), protocols: [protocols].flat(), closedWith: null };
      kept.push(entry);
      this.addEventListener('close', ({ code }) => { entry.closedWith = code; });
    }
  };
}

/// The close codes of a device's signalling sockets, null for one that is open.
export function closeCodes(device) {
  return device.page.evaluate(() => window.__sockets
    .filter(({ url }) => url.endsWith('/api/signal'))
    .map(({ closedWith }) => closedWith));
}

/// The link token that a device's newest signalling socket was opened with.
export function tokenOf(device) {
  return device.page.evaluate(() => window.__sockets.at(-1).protocols.at(-1).split('.heliograph.')[1]);
}
