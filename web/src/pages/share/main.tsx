// The share page (`/s/#<code>`): opens what the code is for. The code stays behind the `#` and in
// the Authorization field: no address of a request carries it.
import { ApiError, HelioError, Streams } from "../../sdk";
import { mount } from "../../ui/mount";
import type { Failure } from "../../ui/notice";
import { accessOfGuest } from "../gateway/access";
import { opening, OpeningView } from "../gateway/opening";
import { DEAD_LINK } from "../gateway/words";
import { prepare } from "../publish/model";
import { PublishView } from "../publish/publishView";
import { failureOf } from "../shared/failure";
import { apiFor } from "../shared/session";
import { watch } from "../watch/model";
import { WatchView } from "../watch/watchView";

const { state, open } = opening("Opening the link", openShare, (thrown: unknown): Failure => {
  const isDead = thrown instanceof ApiError && [401, 403, 404].includes(thrown.status);
  return isDead ? { ...DEAD_LINK, code: thrown.code } : failureOf("Opening the link", thrown);
});

async function openShare() {
  const code = location.hash.slice(1);
  // At least 128 bits in base64url (RFC 4648 §5).
  if (!/^[A-Za-z0-9_-]{22,128}$/.test(code)) {
    const step = "Open it again from where you got it, with everything after the #.";
    throw new HelioError("invite-broken", "part of the link is missing", step);
  }
  const share = await new Streams(apiFor(null)).open(code);
  const access = accessOfGuest(code, share);
  document.title = `${share.stream} · Heliograph`;
  if (share.action === "view") watch(access);
  else prepare(access);
  return access;
}

function SharePage() {
  return (
    <OpeningView title="A shared stream" state={state.value} onRetry={() => void open()}>
      {(access) =>
        access.action === "view" ? <WatchView access={access} /> : <PublishView access={access} />
      }
    </OpeningView>
  );
}

// Another link pasted over this one is another page.
addEventListener("hashchange", () => location.reload());
mount(<SharePage />);
void open();
