export { agentCodec, hubCodec } from './link/codec.ts';
export {
  asStreamSpaceError,
  ERROR_CODES,
  type ErrorBody,
  type ErrorCode,
  errorOfClose,
  ERRORS,
  StreamSpaceError,
} from './errors.ts';
export {
  blockedFrame,
  creditFrame,
  dataFrame,
  decodeFrame,
  endFrame,
  type Frame,
  FRAME_HEADER,
  FrameKind,
} from './link/frames.ts';
export { LIMITS } from './limits.ts';
export {
  type Action,
  ACTIONS,
  type AgentMessage,
  type AgentMessageOf,
  AgentMessages,
  type HubMessage,
  type HubMessageOf,
  HubMessages,
} from './messages.ts';
export * from './resources.ts';
export { type FrameSink, StreamMux, type MuxStream } from './link/mux.ts';
export { LinkEnd } from './link/link-end.ts';
export { PATHS } from './link/paths.ts';
export { Pulse } from './link/pulse.ts';
export { closeSocket } from './link/socket.ts';
export type { StreamHandler } from './link/stream.ts';
export {
  AGENT_SUBPROTOCOL,
  negotiateVersion,
  PROTOCOL_VERSIONS,
  type ProtocolVersion,
  SCREEN_SUBPROTOCOL,
  VIEWER_SUBPROTOCOL,
} from './version.ts';
export * from './quota.ts';
export * from './rest.ts';
export * from './audit.ts';
export * from './sign-in.ts';
