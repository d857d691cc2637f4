import { spawn } from 'node:child_process';
import * as net from 'node:net';
import { createInterface } from 'node:readline';

const server = `
  const { RSocketServer } = require('rsocket-core');
  const { TcpServerTransport } = require('rsocket-tcp-server');
  const net = require('node:net');
  const free = net.createServer().listen(0, '127.0.0.1', () => {
    const { port } = free.address();
    free.close(async () => {
      await new RSocketServer({ transport: new TcpServerTransport({ listenOptions: { port, host: '127.0.0.1' } }), acceptor: { accept: async () => ({}) } }).bind();
      console.log(port);
    });
  });`;

describe('the server transport that comes with RSocket', () => {
  it('ends the whole process at one stray request, which is why ours stands in its place', async () => {
    const child = spawn(process.execPath, ['-e', server], { stdio: ['ignore', 'pipe', 'ignore'], cwd: process.cwd() });
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    try {
      const port = await new Promise<number>((resolve) =>
        createInterface({ input: child.stdout }).once('line', (line) => resolve(Number(line))),
      );
      const socket = net.connect(port, '127.0.0.1', () => socket.end('GET / HTTP/1.1\r\n\r\n'));
      socket.on('error', () => socket.destroy());
      expect(await ended).not.toBe(0);
    } finally {
      child.kill('SIGKILL');
    }
  });
});
