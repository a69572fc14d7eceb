// Measures what a NAT does, as RFC 5780 would with a server of two addresses and two ports.
import { createSocket } from 'node:dgram';
import { EventEmitter, once } from 'node:events';
import { isIPv6 } from 'node:net';
import { createInterface } from 'node:readline';
import { STRANGERS } from './internet.mjs';
import { start } from './namespaces.mjs';

/// How long the first answer may take before UDP counts as blocked, in milliseconds.
const PATIENCE_MS = 2000;

/// Strangers on the internet, and a program of UDP sockets in the namespace of a device.
export class NatProbe {
  static async open(site) {
    const probe = new NatProbe();
    probe.device = start(site.namespace, process.execPath, new URL('udp_device.mjs', import.meta.url).pathname);
    probe.heard = new EventEmitter();
    createInterface({ input: probe.device.stdout }).on('line', (line) => {
      const [socket, address, port, text] = line.split(' ');
      probe.heard.emit(`${socket} ${text}`, `${address} ${port}`);
    });
    await once(probe.heard, 'ready undefined');
    // Two addresses with two ports each; the ports are the same at both.
    const [first, second] = STRANGERS[site.kind.family];
    const [a, b] = [await Stranger.at(first, 0), await Stranger.at(first, 0)];
    probe.home = a;
    probe.otherPort = b;
    probe.otherAddress = await Stranger.at(second, a.port);
    probe.strangers = [a, b, probe.otherAddress];
    return probe;
  }

  /// What the NAT is called by RFC 4787 section 4.1 and 5, or null where no UDP comes through.
  async measure() {
    const mapping = await this.#mapping();
    return mapping === null ? null : { mapping, filtering: await this.#filtering() };
  }

  /// Whether the mapping of a device stays the same for a stranger whose packet came too early.
  async keepsMappingAfterEarlyPacket() {
    const before = await this.ask('early', this.home);
    this.otherAddress.send('knock', before);
    await this.fence('early', before);
    return await this.ask('early', this.otherAddress) === before;
  }

  async #mapping() {
    const own = await this.ask('mapping', this.home);
    if (own === null) return null;
    const samePeer = await this.ask('mapping', this.otherPort);
    const otherPeer = await this.ask('mapping', this.otherAddress);
    if (own === samePeer && own === otherPeer) return 'endpoint-independent';
    return own === samePeer ? 'address-dependent' : 'address-and-port-dependent';
  }

  async #filtering() {
    const mapped = await this.ask('filtering', this.home);
    const came = new Set();
    for (const stranger of [this.otherPort, this.otherAddress]) {
      const note = () => came.add(stranger);
      this.heard.on('filtering stranger', note);
      stranger.send('stranger', mapped);
      await this.fence('filtering', mapped);
      this.heard.off('filtering stranger', note);
    }
    if (came.has(this.otherAddress)) return 'endpoint-independent';
    return came.has(this.otherPort) ? 'address-dependent' : 'address-and-port-dependent';
  }

  /// Sends from a socket of the device; returns where the stranger saw it come from.
  async ask(socket, stranger = this.home) {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const seen = once(stranger.heard, socket, { signal });
    this.device.stdin.write(`${socket} ${stranger.address} ${stranger.port}\n`);
    return seen.then(([from]) => from, () => null);
  }

  /// What was sent to the device before this has arrived or never will: packets keep their order.
  async fence(socket, mapped) {
    const passed = once(this.heard, `${socket} fence`);
    this.home.send('fence', mapped);
    await passed;
  }

  async close() {
    for (const { socket } of this.strangers) socket.close();
    this.device.stdin.end();
    await once(this.device, 'exit');
  }
}

/// A socket on the internet; `heard` emits what it hears, with the sender's address.
class Stranger {
  static async at(address, port) {
    const stranger = new Stranger();
    stranger.heard = new EventEmitter();
    stranger.socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    stranger.socket.on('message', (bytes, from) => stranger.heard.emit(`${bytes}`, `${from.address} ${from.port}`));
    stranger.socket.bind(port, address);
    await once(stranger.socket, 'listening');
    stranger.address = address;
    stranger.port = stranger.socket.address().port;
    return stranger;
  }

  send(text, to) {
    const [address, port] = to.split(' ');
    this.socket.send(text, Number(port), address);
  }
}
