// The chat page (`/chat?pair=…`): a conversation with a model on a device of one's own.
import { useState } from "preact/hooks";
import { LinkButton } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { mount } from "../../ui/mount";
import { FailureNotice } from "../../ui/notice";
import { Waiting } from "../../ui/progress";
import { Head, Shell } from "../../ui/shell";
import { Toast } from "../../ui/toast";
import { ChatBar } from "./chatBar";
import { Composer } from "./composer";
import { ConversationView } from "./conversationView";
import { HistoryList } from "./historyList";
import { devices, open, pageState } from "./model";
import "../link/link.css";
import "../link/panels.css";
import "./chat.css";

function ChatPage() {
  const state = pageState.value;
  if (state.at === "opening") {
    return (
      <Shell at="other">
        <Waiting>Opening the chats</Waiting>
      </Shell>
    );
  }
  if (state.at === "ready" && devices.value.length > 0) return <Chat />;
  return (
    <Shell at="other" width="narrow">
      <div class="stack stack-loose">
        <Head title="Chat">
          A language model on a device of yours answers, and nobody else reads it.
        </Head>
        {state.at === "failed" ? (
          <FailureNotice failure={state.failure} testid="chat-failure">
            <LinkButton small href="/">
              Go to your devices
            </LinkButton>
          </FailureNotice>
        ) : (
          <NobodyToAsk />
        )}
      </div>
    </Shell>
  );
}

function NobodyToAsk() {
  return (
    <div class="stack" data-testid="chat-nobody">
      <ol class="steps">
        <li>
          Install Ollama, or another model server, on the device that shall answer, and load a
          model.
        </li>
        <li>
          Pair that device with this one: <code>helio pair</code> there, with the link that “Pair
          another device” shows here.
        </li>
        <li>
          Start <code>helio host --llm http://127.0.0.1:11434</code> there.
        </li>
      </ol>
      <div class="row">
        <LinkButton look="primary" icon="plus" href="/invite">
          Pair another device
        </LinkButton>
      </div>
    </div>
  );
}

function Chat() {
  const [isListOpen, setListOpen] = useState(false);
  return (
    <div class="chat">
      <aside class="chat-side" aria-label="Chats">
        <HistoryList />
      </aside>
      <ChatBar onList={() => setListOpen(true)} />
      <main class="chat-main">
        <ConversationView />
        <Composer />
      </main>
      {isListOpen && (
        <Dialog title="Chats" onClose={() => setListOpen(false)} testid="chat-list-dialog">
          <HistoryList onChosen={() => setListOpen(false)} />
        </Dialog>
      )}
      <Toast />
    </div>
  );
}

mount(<ChatPage />);
void open(new URLSearchParams(location.search).get("pair"));
