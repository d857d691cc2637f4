/** Names used on RSocket connections. Data is JSON; metadata is composite. */
export const rsocketRoutes = { collect: 'collect', reportLive: 'report.live' } as const;

export const mimeTypes = {
  json: 'application/json',
  compositeMetadata: 'message/x.rsocket.composite-metadata.v0',
} as const;

/** Keepalive and lifetime a client asks for in SETUP; the server caps the lifetime. */
export const keepAlive = { intervalMs: 20_000, lifetimeMs: 90_000, lifetimeMaxMs: 120_000 } as const;
