import { ErrorCodes, Flags, FrameTypes } from 'rsocket-core';
import { limits } from '../protocol/limits';

/** The peer broke the protocol: it is told why, and its connection ends. */
export class ProtocolViolation extends Error {
  constructor(
    message: string,
    readonly code: ErrorCodes = ErrorCodes.CONNECTION_ERROR,
  ) {
    super(message);
  }
}

/** A batch of the largest size fits whole, and one that is a little larger is refused as a request, not as a connection. */
export const frameBytesMax = limits.batchBytesMax + limits.frameOverheadBytesMax;
/** Stream id, type and flags. */
export const frameHeaderBytes = 6;
const KEEPALIVE_DATA_BYTES_MAX = 4_096;

const FRAME_TYPE_SHIFT = 10;
const METADATA_LENGTH_BYTES = 3;

/** The least a frame of this type has after its header, so that reading its fixed fields cannot run past its end. */
const fixedBytes: Readonly<Partial<Record<FrameTypes, number>>> = {
  [FrameTypes.SETUP]: 14,
  [FrameTypes.KEEPALIVE]: 8,
  [FrameTypes.REQUEST_RESPONSE]: 0,
  [FrameTypes.REQUEST_FNF]: 0,
  [FrameTypes.REQUEST_STREAM]: 4,
  [FrameTypes.REQUEST_CHANNEL]: 4,
  [FrameTypes.REQUEST_N]: 4,
  [FrameTypes.CANCEL]: 0,
  [FrameTypes.PAYLOAD]: 0,
  [FrameTypes.ERROR]: 4,
  [FrameTypes.METADATA_PUSH]: 0,
};

/**
 * Judges a complete frame (without its length) that a client sent, before rsocket-core reads it: rsocket-core trusts lengths,
 * stream ids and the order of frames, reassembles fragments without limit, and throws where nobody catches.
 * After RSocket protocol 1.0, "Frame Types".
 * @returns the type, or undefined for a frame that may be ignored
 * @throws ProtocolViolation
 */
export function checkFrame(frame: Buffer): FrameTypes | undefined {
  if (frame.length < frameHeaderBytes) throw new ProtocolViolation(`a frame of ${frame.length} bytes has no header`);
  const streamId = frame.readInt32BE(0);
  const typeAndFlags = frame.readUInt16BE(4);
  const type: FrameTypes = typeAndFlags >>> FRAME_TYPE_SHIFT;
  const flags = typeAndFlags & 0x3ff;
  if (streamId < 0) throw new ProtocolViolation('a stream id is negative');

  const least = fixedBytes[type];
  if (least === undefined) {
    if ((flags & Flags.IGNORE) !== 0) return undefined;
    throw new ProtocolViolation(`frames of type 0x${type.toString(16)} are not accepted here`);
  }
  if (frame.length < frameHeaderBytes + least) throw new ProtocolViolation('a frame is shorter than its type needs');
  switch (type) {
    case FrameTypes.SETUP:
      requireStreamZero(streamId);
      break;
    case FrameTypes.KEEPALIVE:
      requireStreamZero(streamId);
      if (frame.length > frameHeaderBytes + least + KEEPALIVE_DATA_BYTES_MAX) {
        throw new ProtocolViolation(`KEEPALIVE may carry ${KEEPALIVE_DATA_BYTES_MAX} bytes`);
      }
      break;
    case FrameTypes.METADATA_PUSH:
      requireStreamZero(streamId);
      // Nothing here is configured by metadata, and rsocket-core fails on reading it.
      return undefined;
    case FrameTypes.ERROR:
      break;
    case FrameTypes.REQUEST_STREAM:
    case FrameTypes.REQUEST_CHANNEL:
    case FrameTypes.REQUEST_N:
      requireClientStream(streamId);
      if (frame.readInt32BE(frameHeaderBytes) <= 0) throw new ProtocolViolation('a request for less than one payload');
      if (type !== FrameTypes.REQUEST_N) requireWholePayload(frame, flags, frameHeaderBytes + least);
      break;
    case FrameTypes.REQUEST_RESPONSE:
    case FrameTypes.REQUEST_FNF:
    case FrameTypes.PAYLOAD:
      requireClientStream(streamId);
      requireWholePayload(frame, flags, frameHeaderBytes);
      break;
    case FrameTypes.CANCEL:
      requireClientStream(streamId);
      break;
    default:
      throw new ProtocolViolation(`frames of type 0x${type.toString(16)} are not accepted here`);
  }
  return type;
}

function requireStreamZero(streamId: number): void {
  if (streamId !== 0) throw new ProtocolViolation('a connection frame is on a stream other than 0');
}

/** Clients open odd streams; this server opens none, so nothing can arrive on an even one. */
function requireClientStream(streamId: number): void {
  if (streamId % 2 === 0) throw new ProtocolViolation(`stream ${streamId} is not one a client opens`);
}

function requireWholePayload(frame: Buffer, flags: number, at: number): void {
  if ((flags & Flags.FOLLOWS) !== 0) {
    throw new ProtocolViolation(`fragments are not accepted; a frame may have ${frameBytesMax} bytes`);
  }
  if ((flags & Flags.METADATA) === 0) return;
  const end = at + METADATA_LENGTH_BYTES;
  if (frame.length < end || end + frame.readUIntBE(at, METADATA_LENGTH_BYTES) > frame.length) {
    throw new ProtocolViolation('metadata is longer than its frame');
  }
}
