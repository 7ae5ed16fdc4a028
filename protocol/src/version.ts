/** SPEC.md [VER1]: what this build speaks, newest first: N and N-1. */
export const PROTOCOL_VERSIONS = [3, 2] as const;
export type ProtocolVersion = (typeof PROTOCOL_VERSIONS)[number];

/** WebSocket subprotocol of the agents' link. */
export const AGENT_SUBPROTOCOL = 'streamspace.agent';
/** Viewers' subprotocols: what noVNC offers by itself, and the same with `ping` and `pong` as text frames [VIEW4]. */
export const VIEWER_SUBPROTOCOL = 'binary';
export const SCREEN_SUBPROTOCOL = 'screen.streamspace';

/** The newest version that both sides speak, or undefined when there is none. */
export function negotiateVersion(offered: readonly number[]): ProtocolVersion | undefined {
  return PROTOCOL_VERSIONS.find((version) => offered.includes(version));
}
