// A device whose owner has patched the page: it ignores that it was revoked.

/// Runs in the page before its scripts: sockets never tell the page that they closed, nor what
/// the server last said; connections, channels and kept keys outlive every wish to end them.
export function neverLetGo() {
  const Sockets = window.WebSocket;
  window.WebSocket = class extends Sockets {
    close() {}
    set onclose(_listener) {}
    get onclose() { return null; }
    set onmessage(listener) {
      super.onmessage = (event) => { if (!/"revoked"|"bye"/.test(event.data)) listener(event); };
    }
  };
  RTCPeerConnection.prototype.close = () => {};
  RTCDataChannel.prototype.close = () => {};
  IDBObjectStore.prototype.delete = function remember() { return this.count(); };
}
