// The doctor: what a person would ask for when links fail, measured one after the other. Each
// check says what it measured; a cause is named only where a measurement stands behind it.
import type { Api } from "./api";
import { checkAccess, checkKeys, checkServer, checkWebSocket } from "./doctor_access";
import { pending, untold, type Check, type CheckId, type Finding } from "./doctor_check";
import { gather, type Connect, type Gathered } from "./doctor_gathering";
import { linkFinding, loopBack } from "./doctor_loop_back";
import {
  comparable,
  hasNoNat,
  hiddenFinding,
  ipv6Finding,
  mappingFinding,
  noNat,
  stunFinding,
  type StunAnswer,
} from "./doctor_mapping";
import {
  hasRelay,
  relayFinding,
  udpFinding,
  urlsOf,
  type RelayTransport,
  type Tried,
} from "./doctor_relays";
import { Emitter } from "./emitter";
import type { Identity } from "./identity";
import { openBrowserSocket, type SocketFactory } from "./sockets";

const TITLES: readonly (readonly [CheckId, string])[] = [
  ["keys", "Secure page and keys"],
  ["server", "Server"],
  ["token", "Token"],
  ["websocket", "WebSocket"],
  ["stun", "Address seen from outside (STUN)"],
  ["mapping", "Kind of NAT"],
  ["udp", "UDP"],
  ["relay-udp", "Relay over UDP"],
  ["relay-tcp", "Relay over TCP"],
  ["relay-tls", "Relay over TLS"],
  ["ipv6", "IPv6"],
  ["mdns", "Addresses on this network"],
  ["link-direct", "Link inside this page, direct"],
  ["link-udp", "Link over the relay, UDP"],
  ["link-tcp", "Link over the relay, TCP"],
  ["link-tls", "Link over the relay, TLS"],
];

const TRANSPORTS: readonly RelayTransport[] = ["udp", "tcp", "tls"];
const NO_SERVERS = ["the server's list of STUN and TURN servers is not known without a token"];
const NO_LIST = "the server hands its list of STUN and TURN servers to its own devices only";
const GET_LIST = "Open a setup link or pair this browser; then these checks can run.";

/** What the doctor examines. */
export interface DoctorOptions {
  api: Api;
  /** Null before setup or pairing: what needs a device is then not told. */
  identity: Identity | null;
  /** Relays of the person's own, beside those of the server. */
  own?: RTCIceServer[];
  socket?: SocketFactory;
  connect?: Connect;
}

/** Runs the checks in order; `change` comes with the whole list after each finding. */
export class Doctor extends Emitter<{ change: readonly Check[] }> {
  readonly #options: DoctorOptions;
  readonly #connect: Connect;
  #checks: readonly Check[] = TITLES.map(([id, title]) => ({ id, title, finding: pending }));

  constructor(options: DoctorOptions) {
    super();
    this.#options = options;
    this.#connect = options.connect ?? ((configuration) => new RTCPeerConnection(configuration));
  }

  get checks(): readonly Check[] {
    return this.#checks;
  }

  get #ownHost(): string {
    return new URL(this.#options.api.origin).hostname;
  }

  /** Resolves when every check has its finding. */
  async run(): Promise<readonly Check[]> {
    const { api, identity, own = [], socket = openBrowserSocket } = this.#options;
    this.#tell("keys", await checkKeys());
    const server = await checkServer(api);
    this.#tell("server", server);
    const isReachable = server.state !== "bad";
    const { finding, servers } = await checkAccess(api, identity, isReachable);
    this.#tell("token", finding);
    this.#tell("websocket", await checkWebSocket(api.origin, isReachable, socket));
    const given = [...servers, ...own];
    const reasons = this.#reasons(finding.state === "good");
    const stun = await this.#examineStun(given, reasons);
    const tried = await this.#examineRelays(given, own.length > 0 ? null : reasons);
    this.#tell("udp", udpFinding(stun, tried, isReachable));
    await this.#link(tried);
    return this.#checks;
  }

  /** Why servers cannot be asked: nobody told which. */
  #reasons(isListKnown: boolean): string[] | null {
    if (isListKnown) return null;
    return this.#options.identity === null ? [NO_LIST, GET_LIST] : NO_SERVERS;
  }

  async #examineStun(given: RTCIceServer[], reasons: string[] | null): Promise<Gathered[]> {
    const urls = urlsOf(given, /^stun:/);
    const asked = reasons === null ? this.#portsOf(urls, given) : [];
    const [plain, ...answers] = await Promise.all([
      this.#gather([]),
      ...asked.map(async (url) => ({ url, gathered: await this.#gather([url]) })),
    ]);
    const named = answers.filter(({ url }) => urls.includes(url));
    this.#tell("stun", reasons ? told(reasons) : stunFinding(named, this.#ownHost));
    this.#tell("mapping", reasons ? told(reasons) : await this.#mapping(answers));
    const alone = named.map(({ gathered }) => gathered);
    this.#tell("ipv6", ipv6Finding([plain, ...alone]));
    this.#tell("mdns", hiddenFinding(plain));
    return alone;
  }

  /** The STUN servers named, then the other ports that may answer STUN: relays and the one port. */
  #portsOf(urls: readonly string[], given: RTCIceServer[]): string[] {
    const { hostname, port } = new URL(this.#options.api.origin);
    const relays = urlsOf(given, /^turn:.*transport=udp$/).map(
      (url) => `stun:${url.slice("turn:".length).replace(/\?.*/, "")}`,
    );
    return [...new Set([...urls, ...relays, `stun:${hostname}:${port || "443"}`])];
  }

  /** Two ports of one server, asked from one socket, tell whether the mapping depends on them. */
  async #mapping(answers: readonly StunAnswer[]): Promise<Finding> {
    if (hasNoNat(answers)) return noNat;
    const pair = comparable(answers);
    const both = pair.length === 2 ? await this.#gather(pair.map(({ url }) => url)) : null;
    return mappingFinding(pair, both);
  }

  async #examineRelays(given: RTCIceServer[], reasons: string[] | null): Promise<Tried[]> {
    const all = await Promise.all(
      TRANSPORTS.map(async (transport) => {
        const tried = await Promise.all(this.#relays(given, transport));
        this.#tell(
          `relay-${transport}`,
          reasons ? told(reasons) : relayFinding(transport, tried, this.#ownHost),
        );
        return tried;
      }),
    );
    return all.flat();
  }

  #relays(given: RTCIceServer[], transport: RelayTransport): Promise<Tried>[] {
    return given.flatMap((server) =>
      [server.urls].flat().flatMap((url) => {
        if (!hasRelay(url, transport)) return [];
        const alone = { ...server, urls: url };
        const gathered = gather(this.#connect, {
          iceServers: [alone],
          iceTransportPolicy: "relay",
        });
        return [gathered.then((it) => ({ server: alone, url, transport, gathered: it }))];
      }),
    );
  }

  async #link(tried: readonly Tried[]): Promise<void> {
    const direct = await loopBack(this.#connect, {});
    this.#tell("link-direct", linkFinding("direct", direct));
    for (const transport of TRANSPORTS) {
      const open = tried.find((it) => it.transport === transport && it.gathered.relays > 0);
      if (open === undefined) {
        const finding = untold("no relay over this transport gave an address");
        this.#tell(`link-${transport}`, finding);
        continue;
      }
      const configuration: RTCConfiguration = {
        iceServers: [open.server],
        iceTransportPolicy: "relay",
      };
      this.#tell(
        `link-${transport}`,
        linkFinding("relay", await loopBack(this.#connect, configuration)),
      );
    }
  }

  #gather(urls: string[]): Promise<Gathered> {
    return gather(this.#connect, { iceServers: urls.map((url) => ({ urls: url })) });
  }

  #tell(id: CheckId, finding: Finding): void {
    this.#checks = this.#checks.map((check) => (check.id === id ? { ...check, finding } : check));
    this.emit("change", this.#checks);
  }
}

function told([why = "", remedy]: readonly string[]): Finding {
  return untold(why, remedy);
}
