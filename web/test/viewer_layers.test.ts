// The sizes that a viewer may choose from: read with care, followed, and asked for.
import { afterEach, beforeEach, expect, test } from "vitest";
import { qualities } from "../src/pages/gateway/layerWords";
import { GatewayResource } from "../src/sdk/gateway_resource";
import { NO_LAYERS, readLayers, ViewerLayers } from "../src/sdk/viewer_layers";
import { ENDPOINT, FakeEvents, FakeGateway } from "./support/gateway";

const low = { id: "q", encodingId: "q", bitrate: 100_000, width: 240, height: 135 };
const middle = { id: "h", encodingId: "h", bitrate: null, width: 480, height: 270 };
const high = { id: "f", encodingId: "f", bitrate: 1_000_000, width: 960, height: 540 };
const TOLD = { "1": { active: [low, high], inactive: [middle], current: "f", pinned: null } };

let gateway: FakeGateway;
let events: FakeEvents[];
let layers: ViewerLayers;
let heard: string[];

beforeEach(async () => {
  gateway = new FakeGateway();
  gateway.hasLayers = true;
  events = [];
  heard = [];
  const access = { endpoint: ENDPOINT, bearer: async () => "t1", fetch: gateway.fetch };
  const { resource } = await GatewayResource.make(access, "v=0");
  layers = new ViewerLayers(resource, {
    onChange: () => heard.push("change"),
    onReconnect: () => heard.push("reconnect"),
    openEvents: (url) => {
      const made = new FakeEvents(url);
      events.push(made);
      return made as unknown as EventSource;
    },
  });
  gateway.asked.length = 0;
});

afterEach(() => layers.stop());

test("layers are read largest first, with those that do not come at present", () => {
  const read = readLayers(TOLD);
  expect(read?.mid).toBe("1");
  expect(read?.layers.all.map(({ id, isActive }) => [id, isActive])).toEqual([
    ["f", true],
    ["h", false],
    ["q", true],
  ]);
  expect(read?.layers).toMatchObject({ current: "f", pinned: null });
});

test.each([[null], [[]], ["x"], [{}], [{ "1": null }], [{ "1": [] }]])(
  "%j tells of no layers",
  (told) => expect(readLayers(told)).toBeNull(),
);

test("what is odd in a list is left out, and no more than a few are taken", () => {
  const odd = [1, null, {}, { id: 7 }, { id: "x", width: -1, bitrate: "much" }];
  const [only, ...more] = readLayers({ "0": { active: odd, inactive: "none" } })!.layers.all;
  expect(more).toEqual([]);
  expect(only).toEqual({ id: "x", width: null, height: null, bitrateBps: null, isActive: true });
  const many = Array.from({ length: 9 }, (_, i) => ({ id: `l${i}` }));
  expect(readLayers({ "0": { active: many } })!.layers.all).toHaveLength(8);
});

test("they are followed by the session's event stream", async () => {
  await layers.start();
  expect(gateway.asked[0]).toMatchObject({ method: "POST", path: "/cam0/whep/1/events" });
  expect(JSON.parse(gateway.asked[0]!.body)).toEqual(["layers", "reconnect"]);
  expect(events[0]?.url).toBe("https://helio.test/cam0/whep/1/events/e1");
  events[0]!.tell("layers", JSON.stringify(TOLD));
  expect(layers.state.current).toBe("f");
  events[0]!.tell("layers", "no json");
  events[0]!.tell("reconnect", "{}");
  expect(heard).toEqual(["change", "reconnect"]);
  layers.stop();
  expect(events[0]?.isClosed).toBe(true);
});

test("one is asked for by its name, and none in particular by none", async () => {
  await layers.start();
  await layers.choose("q");
  expect(gateway.log).toEqual(["POST /cam0/whep/1/events"]);
  events[0]!.tell("layers", JSON.stringify(TOLD));
  gateway.layers = { "1": { ...TOLD["1"], pinned: "q" } };
  await layers.choose("q");
  await layers.choose(null);
  const told = gateway.asked.filter(
    ({ path, method }) => method === "POST" && path.endsWith("layers"),
  );
  expect(told.map(({ body }) => JSON.parse(body))).toEqual([
    { mediaId: "1", encodingId: "q" },
    { mediaId: "1" },
  ]);
  expect(layers.state.pinned).toBe("q");
});

test("a gateway without layers is asked for nothing", async () => {
  gateway.hasLayers = false;
  const access = { endpoint: ENDPOINT, bearer: async () => null, fetch: gateway.fetch };
  const { resource } = await GatewayResource.make(access, "v=0");
  gateway.asked.length = 0;
  await new ViewerLayers(resource, { onChange() {}, onReconnect() {} }).start();
  expect(gateway.asked).toEqual([]);
});

test("the menu names each size, says which one comes by itself, and offers none that is not sent", () => {
  const { layers: read } = readLayers(TOLD)!;
  expect(qualities(read).map(({ label, isOffered }) => [label, isOffered])).toEqual([
    ["Auto · 960 × 540", true],
    ["High · 960 × 540", true],
    ["Medium · not sent now", false],
    ["Low · 240 × 135", true],
  ]);
  expect(qualities({ ...read, pinned: "h" })[0]?.label).toBe("Auto");
  expect(qualities({ ...read, pinned: "h" })[2]?.isOffered).toBe(true);
  expect(qualities(NO_LAYERS)).toEqual([]);
  expect(qualities({ ...read, all: read.all.slice(0, 1) })).toEqual([]);
});
