// Where a device is: a namespace that stays, with an access to the internet that is built anew
// for each visit, so that no run knows of the mappings of another.
import { once } from 'node:events';
import { bringUp, FORWARDING, LINK_LOCAL, loadRules, shell, start } from './namespaces.mjs';
import { SlowCable } from './slow_cable.mjs';

/// One side of the laboratory. Programs of its device run in `namespace`.
export class Site {
  #visit = 0;
  #routers = [];
  #slow = null;

  /// `number` is 0 or 1 and chooses the networks of this side. Every packet between this side and
  /// the internet takes `delayMs`, where there is such a thing.
  static async build(number, { delayMs = 0 } = {}) {
    const site = new Site();
    site.number = number;
    site.delayMs = delayMs;
    site.namespace = `site${number}`;
    await shell(null, [`ip netns add ${site.namespace}`]);
    await shell(site.namespace, ['ip link set lo up']);
    site.resolver = start(site.namespace, process.execPath, new URL('resolver.mjs', import.meta.url).pathname);
    await once(site.resolver.stdout, 'data');
    return site;
  }

  /// Leaves the network that the device is in and joins another, of a kind of `kinds.mjs`. No
  /// address of before is used again: to the device it is another network, also of the same kind.
  async join(kind) {
    await this.leave();
    this.#visit += 1;
    this.kind = kind;
    this.#routers = kind.hops.map((_, i) => `${this.namespace}-router${i}`);
    const chain = [this.namespace, ...this.#routers, null];
    const networks = chain.slice(1).map((_, i) => this.#network(i, kind));
    await shell(null, [
      this.#routers.map((router) => `ip netns add ${router}`),
      networks.map((_, i) => this.#cable(chain[i], chain[i + 1])),
    ]);
    if (this.delayMs > 0) this.#slow = await SlowCable.lay(chain.at(-2), this.#port, this.delayMs);
    const outermost = networks.at(-1);
    await shell(null, [
      bringUp(this.#port, [outermost.gateway, LINK_LOCAL.upper]),
      // Without translation the internet has to know the way to the device.
      kind.family === 6 ? [`ip route add ${networks[0].range} via ${bare(outermost.guest)}`] : [],
    ]);
    await Promise.all(this.#routers.map((router, i) => shell(router, [
      FORWARDING,
      loadRules(kind.hops[i]),
      bringUp('inside', [networks[i].gateway, LINK_LOCAL.upper]),
      attach(networks[i + 1], [LINK_LOCAL.lower]),
    ])));
    // The device last: what it tries at once works.
    await shell(this.namespace, attach(networks[0]));
    this.address = bare(networks[0].guest);
  }

  /// Unplugs the device.
  async leave() {
    if (this.#visit === 0) return;
    // An interface is gone when this returns, that of a deleted namespace some time later.
    await shell(this.namespace, ['ip link delete outside 2>/dev/null || true']);
    await shell(null, [`ip link delete ${this.#port} 2>/dev/null || true`, this.#routers.map((router) => `ip netns delete ${router}`)]);
    this.#routers = [];
    this.#slow?.cut();
    this.#slow = null;
  }

  /// Lets no more bits a second come in from the internet, of which it holds back what would come
  /// within 300 ms; with null as many as there are.
  async narrow(bps) {
    const way = `dev ${this.#port} root`;
    await shell(null, [bps === null ? `tc qdisc delete ${way}` : `tc qdisc add ${way} tbf rate ${bps}bit burst 4kb latency 300ms`]);
  }

  /// Ends its resolver, which would keep this program alive.
  async close() {
    this.resolver.kill();
    await this.leave();
  }

  /// The internet's interface to this side.
  get #port() {
    return `to-site${this.number}`;
  }

  /// The index is one that the other end does not have: where both ends have the same number, the
  /// kernel may take a second to notice that the cable is plugged in, and IPv6 waits for it.
  #cable(lower, upper) {
    if (upper === null && this.delayMs > 0) return [];
    const end = upper === null ? `name ${this.#port}` : `name inside netns ${upper}`;
    return `ip link add outside index 1000 netns ${lower} type veth peer ${end}`;
  }

  /// The network above the device (0) or above the router before it.
  #network(i, { family, hops }) {
    const [side, visit] = [this.number + 1, this.#visit % 100];
    if (family === 6) {
      const range = i === hops.length ? `2a0e:db8:${side}::` : `2a0e:db8:${side}:${visit + 1}::`;
      return { range: `${range}/64`, gateway: `${range}1/64`, guest: `${range}${visit + 2}/64` };
    }
    if (i === hops.length) {
      const first = this.number * 128;
      return { gateway: `198.51.100.${first + 1}/25`, guest: `198.51.100.${first + visit + 2}/25` };
    }
    const range = i === 0 ? `10.${side}.${visit}` : `100.64.${side}`;
    return { gateway: `${range}.1/24`, guest: `${range}.${visit + 2}/24` };
  }
}

function attach({ guest, gateway }, more = []) {
  return [bringUp('outside', [guest, ...more]), `ip route add default via ${bare(gateway)}`];
}

function bare(address) {
  return address.split('/')[0];
}
