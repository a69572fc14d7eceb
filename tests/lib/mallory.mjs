// The attacker behind an evil signaller: a browser that puts itself in the place of a peer.
import { Device } from './browser.mjs';

export class Mallory {
  static async open() {
    const mallory = new Mallory();
    mallory.device = await Device.open('mallory', { arguments: ['--disable-features=WebRtcHideLocalIpsWithMdns'] });
    await mallory.device.page.goto('about:blank');
    return mallory;
  }

  /// A fresh connection of the attacker's own; returns its offer with all candidates.
  offer() {
    return this.device.page.evaluate(async () => {
      const pc = new RTCPeerConnection();
      window.pc = pc;
      pc.createDataChannel('ctl');
      const gathered = new Promise((done) => pc.addEventListener('icecandidate', ({ candidate }) => candidate ?? done()));
      await pc.setLocalDescription();
      await gathered;
      return pc.localDescription.sdp;
    });
  }

  /// Returns what takes the place of each message: the attacker's offer for the honest one, and
  /// nothing of the rest, which the attacker keeps.
  tamper(sdp) {
    return (message) => {
      if (message.t === 'offer') return { ...message, sdp };
      if (message.t === 'answer') void this.#take(message);
      return message.t === 'bye' ? message : null;
    };
  }

  /// The attacker offers every candidate, so the victim's are learned from its checks.
  async #take({ sdp }) {
    await this.device.page.evaluate(async (answer) => {
      if (window.pc.signalingState !== 'have-local-offer') return;
      await window.pc.setRemoteDescription({ type: 'answer', sdp: answer });
    }, sdp);
  }

  isConnected() {
    return this.device.page.evaluate(() => window.pc.connectionState === 'connected');
  }

  /// Waits until the attacker has an encrypted connection with the victim.
  async connected() {
    await this.device.page.waitForFunction(() => window.pc.connectionState === 'connected');
  }

  close() {
    return this.device.close();
  }
}
