// What stands between the person and an answer: no link, no host, no model. One at a time.
import { Button, LinkButton } from "../../ui/button";
import { FailureNotice, Notice } from "../../ui/notice";
import { sentence } from "../shared/failure";
import { tell } from "../link/phase";
import {
  deviceName,
  isSilent,
  linkState,
  models,
  modelsFailure,
  refreshModels,
  retry,
  takeOver,
} from "./model";

const HOST_COMMAND = "helio host --llm http://127.0.0.1:11434";

/** Nothing while all is well, or on its way to be. */
export function Obstacle() {
  const state = linkState.value;
  if (state === null) return null;
  if (state.phase === "ended") return <Ended />;
  if (state.failure !== null && state.phase !== "open") {
    const { cause, message, nextStep } = state.failure;
    return (
      <FailureNotice
        testid="chat-obstacle"
        failure={{
          title: `${deviceName.value} is not reached`,
          cause: sentence(message),
          next: nextStep,
          code: cause,
        }}
      >
        <Button small icon="retry" onClick={retry}>
          Try again now
        </Button>
        <LinkButton small href="/doctor">
          Ask the doctor
        </LinkButton>
      </FailureNotice>
    );
  }
  if (state.phase === "waiting") return <Waits />;
  if (isSilent.value) return <Silent />;
  if (modelsFailure.value !== null) {
    return (
      <FailureNotice testid="chat-obstacle" failure={modelsFailure.value}>
        <Button small icon="retry" testid="models-retry" onClick={refreshModels}>
          Try again
        </Button>
      </FailureNotice>
    );
  }
  return models.value?.length === 0 ? <NoModels /> : null;
}

function Ended() {
  const state = linkState.value;
  if (state === null) return null;
  const { short, long } = tell(state, deviceName.value);
  return (
    <Notice tone="warn" title={short} testid="chat-obstacle">
      <p>{long}</p>
      {state.endedBy !== "revoked" && (
        <div class="notice-actions">
          <Button small icon="retry" testid="take-over" onClick={takeOver}>
            Chat here
          </Button>
        </div>
      )}
    </Notice>
  );
}

function Waits() {
  return (
    <Notice tone="info" title={`${deviceName.value} is not there yet`} testid="chat-obstacle">
      <p>
        Start <code class="chat-command">{HOST_COMMAND}</code> on it. The chat opens by itself.
      </p>
    </Notice>
  );
}

function Silent() {
  return (
    <Notice tone="warn" title={`${deviceName.value} answers no chats`} testid="chat-obstacle">
      <p>
        It is linked, but no model is shared there. Start{" "}
        <code class="chat-command">{HOST_COMMAND}</code> on it.
      </p>
    </Notice>
  );
}

function NoModels() {
  return (
    <Notice tone="warn" title="No model to ask" testid="chat-obstacle">
      <p>The model server on {deviceName.value} has none for this device. Load one there.</p>
      <div class="notice-actions">
        <Button small icon="retry" testid="models-retry" onClick={refreshModels}>
          Look again
        </Button>
      </div>
    </Notice>
  );
}
