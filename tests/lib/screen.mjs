// How many pictures of the peer reach the screen.

/// Runs in a page: waits for so many frames of the remote video on the screen, 30 s at most.
/// (Firefox counts none in `getVideoPlaybackQuality` for a stream.)
export async function shownFrames(wanted) {
  const video = document.querySelector('[data-testid=video-remote]');
  const times = [];
  const enough = new Promise((done) => {
    const note = (now) => {
      times.push(now);
      if (times.length < wanted) video.requestVideoFrameCallback(note);
      else done();
    };
    video.requestVideoFrameCallback(note);
  });
  await Promise.race([enough, new Promise((done) => setTimeout(done, 30_000))]);
  const perSecond = (times.length - 1) * 1000 / (times.at(-1) - times[0]);
  return { count: times.length, perSecond, size: `${video.videoWidth}x${video.videoHeight}` };
}
