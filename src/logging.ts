import { pino, type Logger } from 'pino';

/** Structured lines on stderr: stdout belongs to the `ready` line and to what commands print. */
export function createLogger(level: string, bindings: Record<string, unknown>): Logger {
  return pino({ level, base: bindings, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ fd: 2, sync: true }));
}

export type { Logger };
export const LOGGER = Symbol('Logger');
