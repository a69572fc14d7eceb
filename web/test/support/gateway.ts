// A gateway in memory and a browser's connection without a network, for tests of sessions.

export const ENDPOINT = "https://helio.test/cam0/whep";

const ANSWER = [
  "v=0",
  "a=group:BUNDLE 0",
  "m=video 9 UDP/TLS/RTP/SAVPF 96",
  "a=mid:0",
  "a=rtpmap:96 H264/90000",
  "a=ice-ufrag:gate1",
  "a=ice-pwd:gatepassword1",
  "a=candidate:1 1 udp 2130706431 192.0.2.1 8443 typ host",
  "",
].join("\r\n");

const RELAY = '<turn:turn.test>; rel="ice-server"; username="u"; credential="c"';

/** A request as the gateway saw it, without its token. */
export interface Asked {
  method: string;
  path: string;
  match: string | null;
  token: string | null;
  body: string;
}

type Answer = (asked: Asked) => Response | null;

/** Makes sessions `1`, `2`, …; `refuse` may answer first. */
export class FakeGateway {
  readonly asked: Asked[] = [];
  refuse: Answer = () => null;
  /** Whether it offers the extensions of layers and events, and what it says of layers. */
  hasLayers = false;
  layers: unknown = {};
  #made = 0;
  #restarts = 0;

  /** Method and path of what was asked. */
  get log(): string[] {
    return this.asked.map(({ method, path }) => `${method} ${path}`);
  }

  readonly fetch: typeof fetch = async (input, init) => {
    const headers = new Headers(init?.headers);
    const asked = {
      method: init?.method ?? "GET",
      path: new URL(String(input)).pathname,
      match: headers.get("if-match"),
      token: headers.get("authorization"),
      body: String(init?.body ?? ""),
    };
    this.asked.push(asked);
    return this.refuse(asked) ?? this.#standard(asked);
  };

  #standard({ method, match, path }: Asked): Response {
    if (path.endsWith("/layers")) return Response.json(this.layers);
    if (path.endsWith("/events")) {
      return new Response(null, { status: 201, headers: { location: `${path}/e1` } });
    }
    if (method === "POST") return this.#make();
    if (method === "PATCH" && match === "*") return this.#restart();
    return new Response(null, { status: method === "PATCH" ? 204 : 200 });
  }

  #make(): Response {
    this.#made += 1;
    const extension = (name: string, at: string): string =>
      `</cam0/whep/${this.#made}/${at}>; rel="urn:ietf:params:whep:ext:core:${name}"`;
    const extensions = this.hasLayers
      ? [extension("layer", "layers"), extension("server-sent-events", "events")]
      : [];
    const headers = {
      "content-type": "application/sdp",
      location: `/cam0/whep/${this.#made}`,
      etag: `"made-${this.#made}"`,
      link: [RELAY, ...extensions].join(", "),
    };
    return new Response(ANSWER, { status: 201, headers });
  }

  #restart(): Response {
    this.#restarts += 1;
    const body = `a=ice-ufrag:again${this.#restarts}\r\na=ice-pwd:againpassword\r\n`;
    const headers = { "content-type": "application/trickle-ice-sdpfrag", etag: '"restarted"' };
    return new Response(body, { status: 200, headers });
  }
}

/** An event stream without a network. */
export class FakeEvents extends EventTarget {
  readonly url: string;
  isClosed = false;

  constructor(url: string) {
    super();
    this.url = url;
  }

  tell(name: string, data: string): void {
    this.dispatchEvent(new MessageEvent(name, { data }));
  }

  close(): void {
    this.isClosed = true;
  }
}

/** The browser's side: it connects when the test says so. */
export class FakeConnection extends EventTarget {
  signalingState: RTCSignalingState = "stable";
  connectionState: RTCPeerConnectionState = "new";
  iceConnectionState: RTCIceConnectionState = "new";
  localDescription: RTCSessionDescriptionInit | null = null;
  remoteDescription: RTCSessionDescriptionInit | null = null;
  configuration: RTCConfiguration;
  readonly transport = Object.assign(new EventTarget(), { state: "new" });
  readonly kinds: string[] = [];
  plays: string[] = [];
  #offers = 0;

  constructor(configuration: RTCConfiguration) {
    super();
    this.configuration = configuration;
  }

  addTransceiver(kind: string): object {
    this.kinds.push(kind);
    return {};
  }

  getTransceivers(): object[] {
    return [{ receiver: { transport: this.transport } }];
  }

  setConfiguration(configuration: RTCConfiguration): void {
    this.configuration = configuration;
  }

  async createOffer(): Promise<RTCSessionDescriptionInit> {
    this.#offers += 1;
    const lines = ["v=0", "a=group:BUNDLE 0", "m=video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:0"];
    const ice = [`a=ice-ufrag:own${this.#offers}`, "a=ice-pwd:ownpassword", ""];
    return { type: "offer", sdp: [...lines, ...ice].join("\r\n") };
  }

  /** Takes what has the payload types of `plays`, and no other section. */
  async createAnswer(): Promise<RTCSessionDescriptionInit> {
    const sections = (this.remoteDescription?.sdp ?? "").split(/^(?=m=)/m);
    const taken = sections.map((section) => {
      const type = / (\d+)\r?\n/.exec(section)?.[1] ?? "";
      return this.plays.includes(type) ? section : section.replace(/^(m=\w+) 9/, "$1 0");
    });
    return { type: "answer", sdp: taken.join("").replace("ufrag:gate", "ufrag:own") };
  }

  async setLocalDescription(description: RTCSessionDescriptionInit): Promise<void> {
    const isRollback = description.type === "rollback";
    this.signalingState = isRollback ? "stable" : "have-local-offer";
    if (!isRollback) this.localDescription = description;
  }

  async setRemoteDescription(description: RTCSessionDescriptionInit): Promise<void> {
    this.signalingState = "stable";
    this.remoteDescription = description;
  }

  async getStats(): Promise<Map<string, object>> {
    return new Map();
  }

  close(): void {
    this.connectionState = "closed";
  }

  /** Finds a candidate, or with null no more. */
  find(candidate: string | null, usernameFragment = "own1"): void {
    const found = candidate && { candidate, sdpMLineIndex: 0, type: "host", usernameFragment };
    this.dispatchEvent(Object.assign(new Event("icecandidate"), { candidate: found }));
  }

  turn(ice: RTCIceConnectionState, connection: RTCPeerConnectionState): void {
    this.iceConnectionState = ice;
    this.connectionState = connection;
    this.dispatchEvent(new Event("iceconnectionstatechange"));
    this.dispatchEvent(new Event("connectionstatechange"));
  }

  /** The other side says farewell. */
  end(): void {
    this.transport.state = "closed";
    this.transport.dispatchEvent(new Event("statechange"));
  }
}
