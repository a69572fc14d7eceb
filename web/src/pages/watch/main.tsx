// The watch page (`/{stream}/`).
import { mount } from "../../ui/mount";
import { accessOfBrowser, streamOfAddress } from "../gateway/access";
import { opening, OpeningView } from "../gateway/opening";
import { watch } from "./model";
import { WatchView } from "./watchView";

const stream = streamOfAddress();
const { state, open } = opening("Opening the stream", async () => {
  const access = await accessOfBrowser(stream, "view");
  watch(access);
  return access;
});

function WatchPage() {
  return (
    <OpeningView title={stream} state={state.value} onRetry={() => void open()}>
      {(access) => <WatchView access={access} />}
    </OpeningView>
  );
}

document.title = `${stream} · Heliograph`;
mount(<WatchPage />);
void open();
