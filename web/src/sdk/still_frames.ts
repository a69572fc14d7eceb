// Encoded frames of a still's track, seen in a worker (W3C webrtc-encoded-transform): the sender
// measures and may drop them, the receiver measures and may ask for a key frame.

/** From the page to the worker. */
export type ToWorker = { t: "arm" } | { t: "pass" } | { t: "drop" } | { t: "key" };

/** From the worker to the page: an armed key frame waits, or a frame came. */
export interface FromWorker {
  bytes: number;
  isKey: boolean;
  waits: boolean;
}

/** One end of a transform. */
export interface FrameTap {
  send: (message: ToWorker) => void;
  close: () => void;
}

type Transformable = { transform?: unknown };
type TransformConstructor = new (worker: Worker, options: unknown, transfer: unknown[]) => unknown;

/** Taps a sender or receiver; null where the browser has no encoded transforms. */
export function tapFrames(
  side: "sender" | "receiver",
  target: RTCRtpSender | RTCRtpReceiver,
  onFrame: (frame: FromWorker) => void,
): FrameTap | null {
  const { RTCRtpScriptTransform: Transform } = globalThis as {
    RTCRtpScriptTransform?: TransformConstructor;
  };
  if (Transform === undefined) return null;
  const worker = new Worker(new URL("./still_frames_worker.ts", import.meta.url), {
    type: "module",
  });
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data }: MessageEvent<FromWorker>) => onFrame(data);
  (target as Transformable).transform = new Transform(worker, { side, port: port2 }, [port2]);
  return {
    send: (message) => port1.postMessage(message),
    close: () => {
      port1.close();
      // The worker stays while the track may carry frames: without it none would pass.
      if (target.transport?.state === "closed") worker.terminate();
    },
  };
}
