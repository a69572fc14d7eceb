// Notes when a page was heard by the server, when its connection came up and when its link was open, on the clock that all
// pages of one machine share.

/// Runs in the page before its scripts, after those that keep its connections.
export function noteTimes() {
  const now = () => performance.timeOrigin + performance.now();
  const times = { ready: null, connected: null, open: null };
  window.__times = times;
  const Sockets = window.WebSocket;
  window.WebSocket = class extends Sockets {
    constructor(...given) {
      super(...given);
      // The first thing that the server says is that both may begin.
      this.addEventListener('message', () => { times.ready ??= now(); });
    }
  };
  new MutationObserver(() => {
    if (document.querySelector('[data-testid=link-state][data-state=open]')) times.open ??= now();
  }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-state'] });
  const Connections = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Connections {
    constructor(...given) {
      super(...given);
      this.addEventListener('connectionstatechange', () => {
        if (this.connectionState === 'connected') times.connected ??= now();
      });
    }
  };
}
