// The SDK's table of contents. Logic only: it knows WebRTC, WebCrypto, IndexedDB, WebSocket and
// fetch, and no views.
export { Api } from "./api";
export type {
  ApiOptions,
  AuditEntry,
  DeviceInfo,
  Invite,
  NewPair,
  PairInfo,
  PairStatement,
  Role,
  ServerInfo,
  SetupReply,
  Token,
} from "./api";
export { Doctor } from "./doctor";
export type { DoctorOptions } from "./doctor";
export type { Check, CheckId, CheckState, Finding } from "./doctor_check";
export { Emitter } from "./emitter";
export { ApiError, asHelioError, HelioError } from "./errors";
export type { FailureCause, LinkFailure } from "./failures";
export { FileStore } from "./file_store";
export { Files } from "./files";
export type { FilesView } from "./files";
export type { ReceivedFile, ReceiveState } from "./files_receiver";
export type { SentFile, SendState } from "./files_sender";
export type { GatewayOptions, GatewayPhase, GatewayState } from "./gateway_session";
export { Identity, unsupportedReason } from "./identity";
export type { DeviceProfile } from "./identity";
export { parsePairingLink } from "./invite";
export type { PairingLink } from "./invite";
export { Link } from "./link";
export type { LinkOptions } from "./link";
export { Llm } from "./llm";
export type { LlmEvents } from "./llm";
export type { AnswerState, ChatQuestion, KeptAnswer, LlmAnswer } from "./llm_answer";
export { LlmHistory } from "./llm_history";
export type { Conversation, ModelTurn, OwnTurn, Turn } from "./llm_history";
export type { ChatMessage, ChatUsage } from "./llm_words";
export type {
  MediaCarrier,
  MediaInit,
  MediaMode,
  MediaSource,
  OutgoingMedia,
  PeerMedia,
} from "./link_media";
export type {
  EndedBy,
  LinkEvents,
  LinkPhase,
  LinkState,
  ReceivedCommand,
  ReceivedText,
} from "./link_state";
export type {
  InboundStats,
  Latency,
  LinkPath,
  LinkStats,
  OutboundStats,
  PathEnd,
  Percentiles,
} from "./link_stats";
export { LAYERED_FROM_PIXELS } from "./layers";
export { LiveSender, PRESETS, presetSettings } from "./live";
export type {
  Facing,
  FramesPerSecond,
  LivePreset,
  LiveSettings,
  PresetFigures,
  VideoCodec,
  VideoSource,
} from "./live";
export { canShareScreen } from "./camera";
export { Inviter } from "./inviter";
export { Joiner } from "./joiner";
export type { InviterState, JoinerState, PairingOptions } from "./pairing";
export { listPairs } from "./pairs";
export type { PairView } from "./pairs";
export { DEVICE_KINDS, isDeviceName, NAME_LIMIT } from "./record";
export type { DeviceKind, DeviceRecord } from "./record";
export { RegisterClient } from "./register";
export type {
  RegisterEvents,
  RegisterOptions,
  RegisterPeer,
  RegisterPhase,
  RegisterRole,
} from "./register";
export type { VideoEncoding } from "./register_peer";
export { Recordings } from "./recordings";
export type { RecordedSpan, RecordingList, RecordingsOptions, RecordingState } from "./recordings";
export { Revocations } from "./revocations";
export { STILL_HEIGHT, STILL_LIMIT_BYTES, STILL_WIDTH, StillsSender } from "./stills_sender";
export type { SentStill, StillsOptions } from "./stills_sender";
export { StillsReceiver } from "./stills_receiver";
export type { ReceivedStill, StillsReceiverOptions } from "./stills_receiver";
export { Store } from "./store";
export type { StoredPair } from "./store";
export { isStreamName, STREAM_NAME_LIMIT, Streams } from "./streams";
export type {
  LivePath,
  NewShare,
  OpenedShare,
  ShareInfo,
  StreamAction,
  StreamChange,
  StreamInfo,
} from "./streams";
export type { Layers, StreamLayer } from "./viewer_layers";
export { WhepSession } from "./whep";
export { WhipSession } from "./whip";
export type { Words } from "./words";
