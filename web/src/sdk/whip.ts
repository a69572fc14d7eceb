// Publishes to a stream of a gateway (WHIP, RFC 9725): what a `LiveSender` sends over it.
import { HelioError } from "./errors";
import { GatewaySession } from "./gateway_session";
import { OutgoingMedia, type MediaCarrier, type MediaInit, type MediaSource } from "./link_media";
import { withStartBitrate } from "./sdp";

/** One publisher. Media is added before `start`: a WHIP session cannot grow (RFC 9725 §4.4). */
export class WhipSession extends GatewaySession implements MediaCarrier {
  readonly #media: OutgoingMedia[] = [];

  addMedia(source: MediaSource, init: MediaInit): OutgoingMedia {
    // Viewers see by what arrives whether a section is in use: nothing is announced.
    const media = new OutgoingMedia(source, init, () => undefined);
    this.#media.push(media);
    return media;
  }

  renew(): void {
    if (["connecting", "open", "restarting"].includes(this.state.phase)) this.reopen();
  }

  protected override prepare(pc: RTCPeerConnection): void {
    for (const media of this.#media) media.attach(pc);
  }

  protected override handleDropped(): void {
    for (const media of this.#media) media.detach();
  }

  /** Two publishers that each began anew would take the stream from each other for ever. */
  protected override handleFarewell(): void {
    this.refuse(
      new HelioError(
        "ended-by-server",
        "another device publishes on this stream, or it was stopped at the server",
        "Start it again if it is to come from here.",
      ),
    );
  }

  protected override tune(answerSdp: string): string {
    const kbps = Math.max(0, ...this.#media.map((media) => media.startBitrateKbps));
    return kbps === 0 ? answerSdp : withStartBitrate(answerSdp, kbps);
  }
}
