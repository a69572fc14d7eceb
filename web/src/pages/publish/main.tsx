// The publish page (`/{stream}/publish`).
import { mount } from "../../ui/mount";
import { HelioError } from "../../sdk";
import { accessOfBrowser, streamOfAddress } from "../gateway/access";
import { opening, OpeningView } from "../gateway/opening";
import { prepare } from "./model";
import { PublishView } from "./publishView";

const stream = streamOfAddress();
const { state, open } = opening("Opening the stream", async () => {
  const access = await accessOfBrowser(stream, "publish");
  if (access.who === "stranger") throw STRANGER;
  if (access.who === "other") throw OTHER;
  prepare(access);
  return access;
});

const STRANGER = new HelioError(
  "no-device",
  "this browser is no device of an account here",
  "Pair it with one of your devices, or ask the stream's owner for a link that lets you send.",
);

const OTHER = new HelioError(
  "not-yours",
  "this stream belongs to another account, or its name is taken by a page of this server",
  "Choose another name under Streams, or ask its owner for a link that lets you send.",
);

function PublishPage() {
  return (
    <OpeningView title={stream} state={state.value} onRetry={() => void open()}>
      {(access) => <PublishView access={access} />}
    </OpeningView>
  );
}

document.title = `Publish ${stream} · Heliograph`;
mount(<PublishPage />);
void open();
