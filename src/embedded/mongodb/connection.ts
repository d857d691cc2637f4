import type { Socket } from 'node:net';
import { serialize } from 'bson';
import { Command, type Reply, type ServerState } from './commands/command';
import { execute } from './commands/commands';
import { CommandError, errorReply } from './errors';
import { limits } from './limits';
import { asStorageError } from './storage/environment';
import { MessageReader, ProtocolError, frame, parseRequest, replyWriter, requestIdOf, validateRequest, type Request } from './wire';

/** One client: its requests are answered one after the other, in the order they came. */
export class Connection {
  private readonly reader = new MessageReader();
  private readonly waiting: Buffer[] = [];
  private busy = false;
  private partialSince: number | undefined;
  private ending = false;

  constructor(
    private readonly socket: Socket,
    private readonly server: ServerState,
    private readonly id: number,
    /** For what is a defect of the server and not of the request. */
    private readonly report: (error: unknown) => void,
  ) {
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    // Nothing to do about a reset: 'close' follows, and what was acknowledged is on disk.
    socket.on('error', () => socket.destroy());
  }

  /** Closes a connection whose message has been incomplete for too long. */
  closeIfStuck(now: number): void {
    if (this.partialSince !== undefined && now - this.partialSince > limits.partialMessageMs) this.socket.destroy();
  }

  /** Ends after the request being answered. */
  finish(): void {
    this.ending = true;
    if (!this.busy) this.socket.destroy();
  }

  private receive(chunk: Buffer): void {
    try {
      this.reader.push(chunk, (message) => this.waiting.push(message));
    } catch (error) {
      if (!(error instanceof ProtocolError)) this.report(error);
      this.socket.destroy();
      return;
    }
    this.partialSince = this.reader.partial ? (this.partialSince ?? Date.now()) : undefined;
    if (this.waiting.length > limits.pipelinedRequestsMax) this.socket.pause();
    if (!this.busy) void this.work();
  }

  private async work(): Promise<void> {
    this.busy = true;
    while (this.waiting.length > 0 && !this.socket.destroyed && !this.ending) {
      const message = this.waiting.shift()!;
      if (this.socket.isPaused() && this.waiting.length <= limits.pipelinedRequestsMax) this.socket.resume();
      try {
        const reply = await this.answer(message);
        if (reply !== undefined) await this.send(reply);
      } catch (error) {
        if (!(error instanceof ProtocolError)) this.report(error);
        this.socket.destroy();
      }
    }
    this.busy = false;
    if (this.ending) this.socket.destroy();
  }

  /** The reply's bytes; undefined when none is wanted. Throws ProtocolError when the connection cannot go on. */
  private async answer(message: Buffer): Promise<Buffer | undefined> {
    let request: Request | undefined;
    let reply: Reply;
    try {
      request = parseRequest(message);
      validateRequest(request);
      const command = new Command(request.body, request.sequences, this.id, request.bytes, request.database);
      const outcome = execute(command, this.server);
      reply = outcome instanceof Promise ? await outcome : outcome;
    } catch (error) {
      if (error instanceof ProtocolError) throw error;
      const reason = asStorageError(error);
      if (!(reason instanceof CommandError)) this.report(reason);
      reply = errorReply(reason instanceof CommandError ? reason : new CommandError('InternalError', (reason as Error).message));
    }
    if (request?.silent) return undefined;
    const target = request ?? { requestId: requestIdOf(message), legacy: false };
    const writer = replyWriter(target.legacy);
    if (typeof reply === 'function') {
      writer.begin();
      reply(writer);
      writer.finish();
    } else {
      const bytes = serialize(reply, { ignoreUndefined: true });
      writer.raw(bytes, 0, bytes.length);
    }
    return frame(writer, target);
  }

  /** Waits while the client does not read, so that its unread answers do not pile up. */
  private async send(bytes: Buffer): Promise<void> {
    if (this.socket.write(bytes)) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        this.socket.off('drain', done);
        this.socket.off('close', done);
        resolve();
      };
      this.socket.once('drain', done);
      this.socket.once('close', done);
    });
  }
}
