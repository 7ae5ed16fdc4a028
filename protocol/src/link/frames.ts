import { StreamSpaceError } from '../errors.ts';
import { LIMITS } from '../limits.ts';

/**
 * Binary frames [STR1]: `kind` (1 byte), `stream id` (4 bytes, big endian), then by kind
 * - data: the stream's bytes;
 * - credit: the number of further bytes that the sender of this frame accepts (4 bytes, big endian);
 * - end: nothing; the sender will send no more data, and all data before this frame is valid;
 * - blocked: nothing; the sender has data and no credit. A receiver whose consumer keeps up answers with a larger window.
 */
export const FrameKind = { data: 1, credit: 2, end: 3, blocked: 4 } as const;
export const FRAME_HEADER = 5;

export type Frame =
  | { kind: 'data'; streamId: number; data: Buffer }
  | { kind: 'credit'; streamId: number; credit: number }
  | { kind: 'end'; streamId: number }
  | { kind: 'blocked'; streamId: number };

function header(kind: number, streamId: number, size: number): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEADER + size);
  frame[0] = kind;
  frame.writeUInt32BE(streamId, 1);
  return frame;
}

/** `data` is copied. At most {@link LIMITS.dataFrame} bytes. */
export function dataFrame(streamId: number, data: Buffer): Buffer {
  const frame = header(FrameKind.data, streamId, data.length);
  data.copy(frame, FRAME_HEADER);
  return frame;
}

export function creditFrame(streamId: number, credit: number): Buffer {
  const frame = header(FrameKind.credit, streamId, 4);
  frame.writeUInt32BE(credit, FRAME_HEADER);
  return frame;
}

export function endFrame(streamId: number): Buffer {
  return header(FrameKind.end, streamId, 0);
}

export function blockedFrame(streamId: number): Buffer {
  return header(FrameKind.blocked, streamId, 0);
}

/** `data` of the result shares memory with `frame`. Throws `malformed_frame`, `message_too_large`. */
export function decodeFrame(frame: Buffer): Frame {
  if (frame.length < FRAME_HEADER)
    throw new StreamSpaceError('malformed_frame', `binary frame of ${frame.length} bytes; at least ${FRAME_HEADER}`);
  const streamId = frame.readUInt32BE(1);
  if (streamId === 0) throw new StreamSpaceError('malformed_frame', 'stream id 0 does not exist');
  const size = frame.length - FRAME_HEADER;
  switch (frame[0]) {
    case FrameKind.data:
      if (size === 0) throw new StreamSpaceError('malformed_frame', 'a data frame carries at least one byte');
      if (size > LIMITS.dataFrame)
        throw new StreamSpaceError('message_too_large', `data frame of ${size} bytes; at most ${LIMITS.dataFrame}`);
      return { kind: 'data', streamId, data: frame.subarray(FRAME_HEADER) };
    case FrameKind.credit:
      if (size !== 4)
        throw new StreamSpaceError('malformed_frame', `credit frame with ${size} bytes of payload; exactly 4`);
      return { kind: 'credit', streamId, credit: frame.readUInt32BE(FRAME_HEADER) };
    case FrameKind.end:
    case FrameKind.blocked: {
      const kind = frame[0] === FrameKind.end ? 'end' : 'blocked';
      if (size !== 0)
        throw new StreamSpaceError('malformed_frame', `${kind} frame with ${size} bytes of payload; none`);
      return { kind, streamId };
    }
    default:
      throw new StreamSpaceError('malformed_frame', `unknown binary frame kind ${frame[0]}`);
  }
}
