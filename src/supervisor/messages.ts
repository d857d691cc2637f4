/** What a role process tells the supervisor over IPC, once. */
export type ChildMessage =
  /** `ports` as ListeningPorts describes them: `http=8080 rsocket-tcp=7878`. */
  | { kind: 'ready'; ports: string }
  /** `message` is the one line to show. */
  | { kind: 'failed'; message: string };

/** First argument of a process the supervisor started. */
export const supervisedArgument = '--supervised';

export function portIn(ports: string, name: string): number | undefined {
  const found = new RegExp(`(?:^| )${name}=(\\d+)`).exec(ports)?.[1];
  return found === undefined ? undefined : Number(found);
}
