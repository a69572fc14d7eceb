// Keeps the shell (pages, scripts, styles, icons) for when the network is bad: network first, cache second.
// It never touches the API, the sockets, keys or metrics, and never stores what follows a `#` or a `?`.
const CACHE = "shell-1";
const MAX_ENTRIES = 96;
const NETWORK_WAIT_MS = 4000;
const SHELL = /^\/($|assets\/|(setup|invite|p|link|chat|settings|trust|doctor|sender|receiver|streams)$|(chat-)?icon|(manifest|chat)\.webmanifest$)/;

self.addEventListener("install", (event) => {
  event.waitUntil(self.skipWaiting());
});

self.addEventListener("activate", (event) => {
  event.waitUntil(dropOtherCaches().then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin || !SHELL.test(url.pathname)) return;
  event.respondWith(networkFirst(event, url.pathname));
});

async function dropOtherCaches() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name)));
}

async function networkFirst(event, key) {
  const fromNetwork = fetch(event.request).then((response) => {
    if (response.ok && !response.redirected) event.waitUntil(keep(response.clone(), key));
    return response;
  });
  const cached = await caches.match(key);
  if (!cached) return fromNetwork;
  const late = new Promise((resolve) => setTimeout(resolve, NETWORK_WAIT_MS, cached));
  return Promise.race([fromNetwork.catch(() => cached), late]);
}

async function keep(response, key) {
  const cache = await caches.open(CACHE);
  await cache.put(key, response);
  const keys = await cache.keys();
  const surplus = keys.slice(0, Math.max(0, keys.length - MAX_ENTRIES));
  await Promise.all(surplus.map((old) => cache.delete(old)));
}
