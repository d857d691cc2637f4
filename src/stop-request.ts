import { oneLine } from './start-failure';

export interface Stopping {
  /** Ends everything in order. */
  stop: () => Promise<void>;
  /** Ends everything at once: asked a second time. */
  force: () => void;
}

/** SIGTERM or Ctrl-C ends the process with code 0 after an orderly stop; a second one ends it at once, with code 130. */
export function onStopRequest({ stop, force }: Stopping): void {
  let asked = false;
  const handle = (): void => {
    if (asked) {
      force();
      process.exit(130);
    }
    asked = true;
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`Stopping failed: ${oneLine(error)}\n`);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', handle);
  process.on('SIGINT', handle);
  process.on('SIGHUP', handle);
}
