// Which of a browser's events say that its network is another one.
import { afterEach, expect, test, vi } from "vitest";
import { onNetworkChange } from "../src/sdk/network";

class FakeConnection extends EventTarget {
  type: string | undefined;
}

afterEach(() => vi.unstubAllGlobals());

function watched(type?: string) {
  const page = new EventTarget();
  const connection = new FakeConnection();
  connection.type = type;
  vi.stubGlobal("navigator", { connection });
  vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
  vi.stubGlobal("removeEventListener", page.removeEventListener.bind(page));
  const listener = vi.fn();
  const stop = onNetworkChange(listener);
  const becomes = (next?: string): void => {
    connection.type = next;
    connection.dispatchEvent(new Event("change"));
  };
  return { page, listener, stop, becomes };
}

test("a device that comes online has another network", () => {
  const { page, listener, stop } = watched();
  page.dispatchEvent(new Event("online"));
  expect(listener).toHaveBeenCalledOnce();
  stop();
  page.dispatchEvent(new Event("online"));
  expect(listener).toHaveBeenCalledOnce();
});

test("so has one that goes from one type to another, but not to none", () => {
  const { listener, stop, becomes } = watched("wifi");
  becomes("cellular");
  expect(listener).toHaveBeenCalledOnce();
  becomes("none");
  expect(listener).toHaveBeenCalledOnce();
  stop();
  becomes("wifi");
  expect(listener).toHaveBeenCalledOnce();
});

test("another estimate of its speed is no other network", () => {
  for (const type of ["wifi", undefined]) {
    const { listener, becomes } = watched(type);
    becomes(type);
    expect(listener).not.toHaveBeenCalled();
  }
});
