/** A variable of .env.example as a command on the same machine needs it. Empty is not set, as it is for the server. */
export function variable(name: string): string | undefined {
  return process.env[name]?.trim() || undefined;
}

/** Where a client of this machine finds a server that listens on `bind`. */
export function hostOf(bind: string): string {
  if (bind === '0.0.0.0' || bind === '::') return '127.0.0.1';
  return bind.includes(':') ? `[${bind}]` : bind;
}
