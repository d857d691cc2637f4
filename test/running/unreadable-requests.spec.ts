import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { refuseUnreadableRequests } from '../../src/unreadable-requests';

describe('What is no request', () => {
  let server: Server;
  beforeAll(async () => {
    server = createServer((_request, response) => response.end('fine'));
    refuseUnreadableRequests(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => server.close());

  /** Each part is sent when the one before was answered. */
  const saidTo = (...parts: string[]): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1', () => socket.write(parts.shift()!));
      let said = '';
      socket.on('data', (chunk) => {
        said += chunk.toString();
        const next = parts.shift();
        if (next !== undefined) socket.write(next);
      });
      socket.on('error', () => undefined).on('close', () => resolve(said));
    });

  it.each([
    ['garbage', 'garbage\r\n\r\n', 400, 'no HTTP request'],
    ['a method that is none', 'BREW / HTTP/1.1\r\nHost: x\r\n\r\n', 400, 'no HTTP request'],
    ['an address without end', `GET /?${'a'.repeat(40_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431, '16 KiB'],
  ])('is refused with a problem: %s', async (_what, text, status, detail) => {
    const [head, body] = (await saidTo(text)).split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} \\w`));
    expect(head).toContain('Content-Type: application/problem+json');
    expect(head).toContain(`Content-Length: ${Buffer.byteLength(body!)}`);
    expect(JSON.parse(body!)).toMatchObject({ type: 'about:blank', status, detail: expect.stringContaining(detail) as string });
  });

  it('is refused behind a request that was answered', async () => {
    const said = await saidTo('GET / HTTP/1.1\r\nHost: x\r\n\r\n', 'garbage\r\n\r\n');
    expect(said).toMatch(/^HTTP\/1.1 200 OK[^]*fine[^]*HTTP\/1.1 400 Bad Request/);
  });
});
