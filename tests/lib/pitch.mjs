// What is heard of a remote sound.

/// Runs in a page: the pitch in hertz that a video's sound is loudest at over so many milliseconds.
export async function loudestPitch([selector, listenMs]) {
  const video = selector.split(' >>> ').reduce((root, part) => (root.shadowRoot ?? root).querySelector(part), document);
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 32768;
  context.createMediaStreamSource(video.srcObject).connect(analyser);
  await new Promise((done) => setTimeout(done, listenMs));
  const levels = new Float32Array(analyser.frequencyBinCount);
  analyser.getFloatFrequencyData(levels);
  const loudest = levels.indexOf(Math.max(...levels));
  await context.close();
  return (loudest * context.sampleRate) / analyser.fftSize;
}
