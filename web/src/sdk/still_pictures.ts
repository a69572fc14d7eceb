// The pictures of a track as they are decoded: by MediaStreamTrackProcessor where the page has it
// (Chromium), else by a video element's frame callback, which may come late.

/** One decoded picture; valid only during the callback. */
export interface Picture {
  image: CanvasImageSource;
  width: number;
  height: number;
}

/** A running source of pictures. */
export interface FrameSource {
  stop: () => void;
}

type Processor = { readable: ReadableStream<VideoFrame> };
type ProcessorConstructor = new (init: { track: MediaStreamTrack }) => Processor;

/** Calls back with every picture of a track; `canvas` only says which document to use. */
export function framesOf(
  track: MediaStreamTrack,
  canvas: HTMLCanvasElement,
  onPicture: (picture: Picture) => void,
): FrameSource {
  const { MediaStreamTrackProcessor } = globalThis as {
    MediaStreamTrackProcessor?: ProcessorConstructor;
  };
  return MediaStreamTrackProcessor === undefined
    ? fromElement(track, canvas, onPicture)
    : fromProcessor(new MediaStreamTrackProcessor({ track }), onPicture);
}

function fromProcessor(processor: Processor, onPicture: (picture: Picture) => void): FrameSource {
  const reader = processor.readable.getReader();
  const read = async (): Promise<void> => {
    for (;;) {
      const { value: frame, done } = await reader.read();
      if (done) return;
      onPicture({ image: frame, width: frame.displayWidth, height: frame.displayHeight });
      frame.close();
    }
  };
  void read().catch(() => undefined);
  return { stop: () => void reader.cancel().catch(() => undefined) };
}

function fromElement(
  track: MediaStreamTrack,
  canvas: HTMLCanvasElement,
  onPicture: (picture: Picture) => void,
): FrameSource {
  const video = canvas.ownerDocument.createElement("video");
  let isStopped = false;
  video.muted = true;
  video.playsInline = true;
  video.srcObject = new MediaStream([track]);
  const next = (): void => {
    video.requestVideoFrameCallback(() => {
      if (isStopped) return;
      onPicture({ image: video, width: video.videoWidth, height: video.videoHeight });
      next();
    });
  };
  next();
  void video.play().catch(() => undefined);
  return {
    stop: () => {
      isStopped = true;
      video.srcObject = null;
    },
  };
}
