// The player of a day: hls.js where the browser has Media Source Extensions, else its own HLS,
// which can send no token and plays public streams only.
import Hls from "hls.js/light";
import { useEffect, useRef } from "preact/hooks";
import { effect } from "@preact/signals";
import { momentOf, secondOf, type Placed } from "./days";
import { attempts, day, daySpans, failure, isGrowing, moment, recordings, wish } from "./model";

/** Shows the day, from the moment that is wished for. */
export function Player() {
  const video = useRef<HTMLVideoElement>(null);
  const begin = day.value.begin;
  const isEmpty = daySpans.value.length === 0;
  const attempt = attempts.value;
  useEffect(() => {
    const element = video.current;
    if (!element || isEmpty) return undefined;
    const { end } = day.peek();
    const source = recordings().playlist(begin, isGrowing.peek() ? null : end);
    return Hls.isSupported() ? playByScript(element, source) : playNatively(element, source);
  }, [begin, isEmpty, attempt]);
  return (
    <section class="recording-stage" aria-label="Picture">
      {isEmpty ? (
        <p class="stage-message">Nothing is recorded on this day.</p>
      ) : (
        <video ref={video} controls playsInline muted data-testid="recording-video" />
      )}
    </section>
  );
}

const NOT_LOADED = {
  title: "The recording does not load",
  cause: "A part of it was deleted meanwhile, or the path to the server broke.",
  next: "Try again. If it stays so, choose another one in the list, or download it.",
};
const NOT_PLAYED = {
  title: "This browser does not play the recording",
  cause: "It is coded as the camera sent it, in a way that this browser does not play.",
  next: "Download it, and open it with a program such as VLC.",
};

/** Plays with hls.js, which sends the token with each request; returns how to stop. */
function playByScript(video: HTMLVideoElement, source: string): () => void {
  const hls = new Hls({
    // The pages' content security policy allows no worker of a blob; fragmented MP4 needs none.
    enableWorker: false,
    // A day that grows begins at its beginning, not near its end.
    startPosition: 0,
    xhrSetup: async (request, url) => {
      const authorization = await recordings().authorization();
      request.open("GET", url, true);
      if (authorization !== null) request.setRequestHeader("Authorization", authorization);
    },
  });
  const parts = (): readonly Placed[] => hls.latestLevelDetails?.fragments ?? [];
  const seek = () => {
    const second = wish.value === null ? null : secondOf(parts(), wish.value);
    if (second === null) return;
    wish.value = null;
    // A little in, so that rounding does not show the part before.
    video.currentTime = second + 0.01;
  };
  const stopSeeking = effect(seek);
  hls.on(Hls.Events.LEVEL_LOADED, seek);
  hls.on(Hls.Events.ERROR, (_, { fatal, type, details, response }) => {
    // What is not there is not asked for again, and without its beginning the film stands still.
    if (!fatal && response?.code !== 404) return;
    const isLoading = type === Hls.ErrorTypes.NETWORK_ERROR;
    failure.value = { ...(isLoading ? NOT_LOADED : NOT_PLAYED), code: details };
  });
  const follow = () => (moment.value = momentOf(parts(), video.currentTime));
  video.addEventListener("timeupdate", follow);
  hls.loadSource(source);
  hls.attachMedia(video);
  return () => {
    stopSeeking();
    video.removeEventListener("timeupdate", follow);
    hls.destroy();
  };
}

function playNatively(video: HTMLVideoElement, source: string): () => void {
  video.src = source;
  return () => video.removeAttribute("src");
}
