// The sizes that a viewer's picture may be had in, and which of them it gets: the extensions
// `layer` and `server-sent-events` of WHEP (draft-ietf-wish-whep), where a gateway offers them.
import type { GatewayResource } from "./gateway_resource";

const LAYER = "urn:ietf:params:whep:ext:core:layer";
const EVENTS = "urn:ietf:params:whep:ext:core:server-sent-events";
/** A gateway with more has others than ours; a person chooses among a few. */
const LAYERS_LIMIT = 8;

/** One size of the picture. */
export interface StreamLayer {
  id: string;
  /** Null where they are not known. */
  bitrateBps: number | null;
  width: number | null;
  height: number | null;
  /** Whether it comes at present. */
  isActive: boolean;
}

/** What there is to choose from. */
export interface Layers {
  /** The largest first; none where the picture comes in one size. */
  all: readonly StreamLayer[];
  /** Which one is sent, null where none is. */
  current: string | null;
  /** Which one was asked for, null for the best that arrives. */
  pinned: string | null;
}

/** A picture in one size. */
export const NO_LAYERS: Layers = { all: [], current: null, pinned: null };

type Fields = Record<string, unknown>;

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readLayer(value: unknown, isActive: boolean): StreamLayer[] {
  if (!isFields(value)) return [];
  const id = value["encodingId"] ?? value["id"];
  if (typeof id !== "string") return [];
  const figure = (name: string): number | null => {
    const number = value[name];
    return typeof number === "number" && number > 0 ? number : null;
  };
  const bitrateBps = figure("bitrate");
  return [{ id, bitrateBps, width: figure("width"), height: figure("height"), isActive }];
}

function isLarger(a: StreamLayer, b: StreamLayer): number {
  const pixels = (layer: StreamLayer): number => (layer.width ?? 0) * (layer.height ?? 0);
  return pixels(b) - pixels(a) || (b.bitrateBps ?? 0) - (a.bitrateBps ?? 0);
}

/** The layers of the first track that a reply or an event tells of, with that track's mid. */
export function readLayers(told: unknown): { mid: string; layers: Layers } | null {
  const [mid, track] = isFields(told) ? (Object.entries(told)[0] ?? []) : [];
  if (mid === undefined || !isFields(track)) return null;
  const list = (name: string): unknown[] => (Array.isArray(track[name]) ? track[name] : []);
  const all = [
    ...list("active").flatMap((each) => readLayer(each, true)),
    ...list("inactive").flatMap((each) => readLayer(each, false)),
  ];
  const id = (name: string): string | null => {
    const value = track[name];
    return typeof value === "string" ? value : null;
  };
  const sorted = all.toSorted(isLarger).slice(0, LAYERS_LIMIT);
  return { mid, layers: { all: sorted, current: id("current"), pinned: id("pinned") } };
}

/** What a session does with what it is told. */
export interface LayersOptions {
  onChange: () => void;
  /** The gateway wants the viewer to come again. */
  onReconnect: () => void;
  openEvents?: ((url: string) => EventSource) | undefined;
}

/** The layers of one session, until it is stopped. */
export class ViewerLayers {
  readonly #resource: GatewayResource;
  readonly #options: LayersOptions;
  readonly #url: string | null;
  #mid = "";
  #state: Layers = NO_LAYERS;
  #events: EventSource | null = null;
  #isStopped = false;

  constructor(resource: GatewayResource, options: LayersOptions) {
    this.#resource = resource;
    this.#options = options;
    this.#url = resource.extension(LAYER);
  }

  get state(): Layers {
    return this.#state;
  }

  /** Follows them from here on. A gateway that offers no such thing is not asked. */
  async start(): Promise<void> {
    const url = this.#resource.extension(EVENTS);
    if (this.#url === null || url === null) return;
    try {
      const reply = await this.#resource.tell(url, ["layers", "reconnect"]);
      const location = reply.headers.get("location");
      if (location === null || this.#isStopped) return;
      this.#follow(new URL(location, url).href);
    } catch {
      // The picture comes without: there is nothing to choose then.
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#events?.close();
    this.#events = null;
  }

  /** Asks for a layer, or with null for none in particular. @throws ApiError, HelioError. */
  async choose(id: string | null): Promise<void> {
    if (this.#url === null || this.#mid === "") return;
    const asked = id === null ? {} : { encodingId: id };
    await this.#resource.tell(this.#url, { mediaId: this.#mid, ...asked });
    const reply = await this.#resource.ask(this.#url);
    this.#take(await reply.json());
  }

  #follow(url: string): void {
    const { openEvents = (address) => new EventSource(address), onReconnect } = this.#options;
    const events = openEvents(url);
    this.#events = events;
    events.addEventListener("layers", ({ data }: MessageEvent<string>) => {
      try {
        this.#take(JSON.parse(data));
      } catch {
        // No JSON: what was told before still holds.
      }
    });
    events.addEventListener("reconnect", onReconnect);
  }

  #take(told: unknown): void {
    const read = readLayers(told);
    if (read === null || this.#isStopped) return;
    this.#mid = read.mid;
    this.#state = read.layers;
    this.#options.onChange();
  }
}
