import { STATUS_CODES } from 'node:http';
import type { Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type Problem, problemMediaType } from './protocol/problem';

/** What Node could not read as a request, by the code of its error. All else is a 400. */
const refusals: Readonly<Record<string, { status: number; detail: string }>> = {
  HPE_HEADER_OVERFLOW: { status: 431, detail: 'The address and the headers of a request may have 16 KiB together' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, detail: 'The request did not arrive in time' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, detail: 'The extensions of a chunk are too long' },
};
const unreadable = { status: 400, detail: 'This is no HTTP request that can be read' };

/** Answers what is no request with a problem too, where Node would send a bare status line. */
export function refuseUnreadableRequests(server: Server): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex & { _httpMessage?: { _headerSent: boolean } }) => {
    // Nothing may be written into an answer that has begun.
    if (error.code === 'ECONNRESET' || !socket.writable || socket._httpMessage?._headerSent === true) {
      socket.destroy();
      return;
    }
    socket.end(answer(refusals[error.code ?? ''] ?? unreadable), () => socket.destroy());
  });
}

function answer({ status, detail }: { status: number; detail: string }): string {
  const title = STATUS_CODES[status]!;
  const problem: Omit<Problem, 'instance'> = { type: 'about:blank', title, status, detail };
  const body = JSON.stringify(problem);
  const headers = [`Content-Type: ${problemMediaType}`, `Content-Length: ${Buffer.byteLength(body)}`, 'Connection: close'];
  return [`HTTP/1.1 ${status} ${title}`, ...headers, '', body].join('\r\n');
}
