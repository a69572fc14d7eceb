// A page of another site, on the WHIP and WHEP clients of others: nothing in it is ours.
import { WebRTCPlayer } from '@eyevinn/webrtc-player';
import { WHEPClient } from 'whip-whep/whep.js';
import { WHIPClient } from 'whip-whep/whip.js';

const video = document.getElementById('video');

/** Publishes the camera and a tone with `whip-whep`. */
window.publish = async (url, token, toneHz) => {
  const camera = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } });
  const context = new AudioContext();
  const tone = new OscillatorNode(context, { frequency: toneHz });
  const speaker = context.createMediaStreamDestination();
  tone.connect(speaker);
  tone.start();
  const connection = new RTCPeerConnection();
  for (const track of [...camera.getVideoTracks(), ...speaker.stream.getAudioTracks()]) {
    connection.addTransceiver(track, { direction: 'sendonly' });
  }
  video.srcObject = camera;
  return begin(new WHIPClient(), (client) => client.publish(connection, url, token), connection);
};

/** Watches with `whip-whep`. */
window.watch = async (url, token) => {
  const connection = new RTCPeerConnection();
  const stream = new MediaStream();
  for (const kind of ['audio', 'video']) connection.addTransceiver(kind, { direction: 'recvonly' });
  connection.ontrack = ({ track }) => stream.addTrack(track);
  video.srcObject = stream;
  return begin(new WHEPClient(), (client) => client.view(connection, url, token), connection);
};

/** Watches with `@eyevinn/webrtc-player`. */
window.play = async (url, token) => {
  const player = new WebRTCPlayer({ video, type: 'whep', iceServers: [] });
  await player.load(new URL(url), `Bearer ${token}`);
  window.stop = () => player.destroy();
};

async function begin(client, start, connection) {
  window.requests = [];
  const { fetch } = window;
  window.fetch = async (address, options) => {
    const response = await fetch(address, options);
    window.requests.push({ method: options.method, status: response.status, body: String(options.body ?? '') });
    return response;
  };
  await start(client);
  Object.assign(window, { client, connection, stop: () => client.stop() });
}
