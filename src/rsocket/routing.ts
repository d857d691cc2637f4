import { decodeCompositeMetadata, decodeRoutes } from 'rsocket-composite-metadata';
import { mimeTypes, rsocketRoutes } from '../protocol/rsocket';

const ROUTING = 'message/x.rsocket.routing.v0';

/** Reads the route of a request. Most requests of a connection have the same metadata: it is read once. */
export class RouteReader {
  private lastMetadata: Buffer | undefined;
  private lastRoute = '';

  constructor(private readonly metadataMimeType: string) {}

  /** No routing metadata means `collect`. @throws Error when the metadata cannot be read */
  routeOf(metadata: Buffer | null | undefined): string {
    if (!metadata || metadata.length === 0) return rsocketRoutes.collect;
    if (this.lastMetadata?.equals(metadata)) return this.lastRoute;
    const route = this.read(metadata) ?? rsocketRoutes.collect;
    // A copy, since the frame is a view on memory of the socket.
    this.lastMetadata = Buffer.from(metadata);
    this.lastRoute = route;
    return route;
  }

  private read(metadata: Buffer): string | undefined {
    if (this.metadataMimeType === ROUTING) return firstRoute(metadata);
    if (this.metadataMimeType !== mimeTypes.compositeMetadata) return undefined;
    for (const entry of decodeCompositeMetadata(metadata)) {
      if (entry.mimeType === ROUTING) return firstRoute(entry.content);
    }
    return undefined;
  }
}

function firstRoute(content: Buffer): string | undefined {
  const { value } = decodeRoutes(content).next() as { value?: string };
  return value === '' ? undefined : value;
}
