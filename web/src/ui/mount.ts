// Starts a page: styles, the view, the service worker.
import { render, type ComponentChild } from "preact";
import "./styles/all.css";

/** Renders `view` into the page and registers the worker that keeps the shell for bad connections. */
export function mount(view: ComponentChild): void {
  const root = document.getElementById("app");
  if (!root) throw new Error("the page has no #app element");
  render(view, root);
  // A worker over a certificate the user has not trusted is refused by the browser: the pages work without one.
  if (import.meta.env.PROD && "serviceWorker" in navigator) {
    navigator.serviceWorker.register("/sw.js").catch(() => undefined);
  }
}
