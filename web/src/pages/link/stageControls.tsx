// What can be done with the picture: sound, snapshot, picture-in-picture, full screen.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Icon, type IconName } from "../../ui/icon";
import { toast } from "../../ui/toast";

interface Holder<T> {
  current: T | null;
}

interface StageControlsProps {
  stage: Holder<HTMLElement>;
  video: Holder<HTMLVideoElement>;
  /** The canvas on the stage while it shows stills. */
  canvas?: HTMLCanvasElement;
  hasSound: boolean;
  /** Who is in the picture; names the snapshot's file. */
  name: string;
  /** What else there is to choose, before the buttons. */
  children?: ComponentChildren;
}

/** iPhones know full screen for videos only, under this name. */
type PhoneVideo = HTMLVideoElement & { webkitEnterFullscreen?: () => void };

/** The row of buttons at the stage's foot. */
export function StageControls(props: StageControlsProps) {
  const { stage, video, canvas, hasSound, name, children } = props;
  const isFull = useFullScreen();
  const hasPip = !canvas && document.pictureInPictureEnabled === true;
  return (
    <div class="stage-controls">
      {children}
      {hasSound && <SoundButton video={video} />}
      <StageButton
        icon="camera"
        label="Save a snapshot"
        testid="snapshot"
        onClick={() => void snapshot(canvas ?? video.current, name)}
      />
      {hasPip && (
        <StageButton
          icon="pip"
          label="Picture in picture"
          testid="pip"
          onClick={() => void floatVideo(video.current)}
        />
      )}
      <StageButton
        icon={isFull ? "shrink" : "expand"}
        label={isFull ? "Leave full screen" : "Full screen"}
        testid="fullscreen"
        onClick={() => toggleFullScreen(stage.current, video.current)}
      />
    </div>
  );
}

function StageButton(props: {
  icon: IconName;
  label: string;
  testid: string;
  onClick: () => void;
}) {
  return (
    <button
      type="button"
      class="stage-button"
      aria-label={props.label}
      title={props.label}
      data-testid={props.testid}
      onClick={props.onClick}
    >
      <Icon name={props.icon} />
    </button>
  );
}

/** Sound starts muted: browsers let only muted video start by itself. */
function SoundButton({ video }: { video: Holder<HTMLVideoElement> }) {
  // The button comes and goes with the picture; the video keeps what was chosen.
  const [isMuted, setMuted] = useState(() => video.current?.muted ?? true);
  return (
    <StageButton
      icon={isMuted ? "speakerOff" : "speaker"}
      label={isMuted ? "Turn sound on" : "Turn sound off"}
      testid="sound"
      onClick={() => {
        if (video.current) video.current.muted = !isMuted;
        setMuted(!isMuted);
      }}
    />
  );
}

function useFullScreen(): boolean {
  const [isFull, setFull] = useState(document.fullscreenElement !== null);
  useEffect(() => {
    const changed = () => setFull(document.fullscreenElement !== null);
    document.addEventListener("fullscreenchange", changed);
    return () => document.removeEventListener("fullscreenchange", changed);
  }, []);
  return isFull;
}

function toggleFullScreen(stage: HTMLElement | null, video: PhoneVideo | null): void {
  if (document.fullscreenElement) {
    void document.exitFullscreen();
  } else if (stage?.requestFullscreen) {
    stage.requestFullscreen().catch(() => toast("This browser refused full screen."));
  } else {
    video?.webkitEnterFullscreen?.();
  }
}

async function floatVideo(video: HTMLVideoElement | null): Promise<void> {
  try {
    if (document.pictureInPictureElement) await document.exitPictureInPicture();
    else await video?.requestPictureInPicture();
  } catch {
    toast("This browser refused picture in picture.");
  }
}

/** Saves the current picture as a PNG file. */
async function snapshot(
  source: HTMLVideoElement | HTMLCanvasElement | null,
  name: string,
): Promise<void> {
  if (!source) return;
  const isVideo = source instanceof HTMLVideoElement;
  const canvas = document.createElement("canvas");
  canvas.width = isVideo ? source.videoWidth : source.width;
  canvas.height = isVideo ? source.videoHeight : source.height;
  canvas.getContext("2d")?.drawImage(source, 0, 0);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!blob) {
    toast("There is no picture to save yet.");
    return;
  }
  const anchor = document.createElement("a");
  anchor.href = URL.createObjectURL(blob);
  anchor.download = `${name} ${stamp()}.png`;
  anchor.click();
  URL.revokeObjectURL(anchor.href);
  toast("Snapshot saved");
}

/** `2026-11-21 14.05.09`: sorts by name and is a legal file name everywhere. */
function stamp(): string {
  const now = new Date();
  const local = new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString();
  return local.slice(0, 19).replace("T", " ").replaceAll(":", ".");
}
