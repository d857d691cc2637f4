import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, type InputType } from 'node:zlib';
import { limits } from '../protocol/limits';
import type { QueueGauge } from './queue-gauge';

/** A body that is not read, or not to its end. */
export class BodyRefused extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    detail: string,
  ) {
    super(detail);
  }
}

/** A sender that takes longer holds memory for nothing. */
const BODY_WITHIN_MS = 15_000;

type Inflate = (bytes: InputType, options: { maxOutputLength: number }) => Promise<Buffer>;
const inflaters: Readonly<Record<string, Inflate>> = {
  gzip: promisify<InputType, { maxOutputLength: number }, Buffer>(gunzip),
  'x-gzip': promisify<InputType, { maxOutputLength: number }, Buffer>(gunzip),
  deflate: promisify<InputType, { maxOutputLength: number }, Buffer>(inflate),
  br: promisify<InputType, { maxOutputLength: number }, Buffer>(brotliDecompress),
};

const tooLarge = (): BodyRefused =>
  new BodyRefused(413, 'Content too large', `a request may have ${limits.batchBytesMax} bytes, after decompression`);

/**
 * The body, decompressed; never more than batchBytesMax either way, and counted by the gauge while it is read.
 * @throws BodyRefused
 */
export async function readBody(request: IncomingMessage, gauge: QueueGauge): Promise<Uint8Array> {
  const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  const inflater = inflaters[encoding];
  if (encoding !== 'identity' && encoding !== '' && !inflater) {
    throw new BodyRefused(415, 'Unsupported media type', `Content-Encoding must be gzip, deflate or br, not ${encoding.slice(0, 50)}`);
  }
  if (Number(request.headers['content-length']) > limits.batchBytesMax) throw tooLarge();
  const bytes = await gather(request, gauge);
  if (!inflater) return bytes;
  try {
    return await inflater(bytes, { maxOutputLength: limits.batchBytesMax });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge();
    throw new BodyRefused(400, 'Bad request', `the body is not ${encoding}: ${(error as Error).message}`);
  }
}

function gather(request: IncomingMessage, gauge: QueueGauge): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const finish = (outcome: () => void): void => {
      clearTimeout(timer);
      request.off('data', onData).off('end', onEnd).off('error', onBroken).off('close', onBroken);
      gauge.remove(bytes);
      bytes = 0;
      outcome();
    };
    const onData = (chunk: Buffer): void => {
      chunks.push(chunk);
      bytes += chunk.byteLength;
      gauge.add(chunk.byteLength);
      if (bytes > limits.batchBytesMax) finish(() => reject(tooLarge()));
    };
    const onEnd = (): void => finish(() => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
    const onBroken = (): void => finish(() => reject(new BodyRefused(400, 'Bad request', 'the request ended early')));
    const timer = setTimeout(
      () => finish(() => reject(new BodyRefused(408, 'Request timeout', `the body did not arrive within ${BODY_WITHIN_MS / 1_000} s`))),
      BODY_WITHIN_MS,
    );
    request.on('data', onData).on('end', onEnd).on('error', onBroken).on('close', onBroken);
  });
}
