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

/** A worker at the other end of a port, for as long as what it taps may carry frames. */
interface Transform {
  worker: Worker;
  port: MessagePort;
}

/** What is tapped keeps its first transform: who taps it again takes that one over. */
const transforms = new WeakMap<RTCRtpSender | RTCRtpReceiver, Transform>();

/** Taps a sender or receiver; null where the browser has no encoded transforms. */
export function tapFrames(
  side: "sender" | "receiver",
  target: RTCRtpSender | RTCRtpReceiver,
  onFrame: (frame: FromWorker) => void,
): FrameTap | null {
  const transform = transforms.get(target) ?? install(side, target);
  if (transform === null) return null;
  const { worker, port } = transform;
  const listener = ({ data }: MessageEvent<FromWorker>): void => onFrame(data);
  port.onmessage = listener;
  return {
    send: (message) => port.postMessage(message),
    close: () => {
      if (port.onmessage === listener) port.onmessage = null;
      // The worker stays while the track may carry frames: without it none would pass.
      if (target.transport?.state !== "closed") return;
      port.close();
      worker.terminate();
    },
  };
}

function install(
  side: "sender" | "receiver",
  target: RTCRtpSender | RTCRtpReceiver,
): Transform | null {
  const { RTCRtpScriptTransform: ScriptTransform } = globalThis as {
    RTCRtpScriptTransform?: TransformConstructor;
  };
  if (ScriptTransform === undefined) return null;
  const worker = new Worker(new URL("./still_frames_worker.ts", import.meta.url), {
    type: "module",
  });
  const { port1: port, port2 } = new MessageChannel();
  const transform = new ScriptTransform(worker, { side, port: port2 }, [port2]);
  (target as Transformable).transform = transform;
  transforms.set(target, { worker, port });
  return { worker, port };
}
