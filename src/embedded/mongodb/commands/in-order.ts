import { Sorting } from '../query/sinks';
import { ListSource, ScanSource, type DocumentSource, type FindRequest } from '../query/source';
import { drain } from './batches';
import type { ServerState } from './command';

/** The documents in the order asked for: as the index gives them, or sorted in memory. */
export async function inOrder(server: ServerState, request: FindRequest, timeLimitMs: number | undefined): Promise<DocumentSource> {
  const scan = new ScanSource(server.environment, server.catalog, request);
  if (scan.sorted) return scan;
  const { skip, limit, projection } = request;
  const sorting = new Sorting(request.sort, limit > 0 ? skip + limit : 0);
  await drain(
    new ScanSource(server.environment, server.catalog, { ...request, skip: 0, limit: 0, projection: undefined }),
    sorting,
    timeLimitMs,
  );
  const documents = sorting
    .result()
    .slice(skip)
    .map((bytes) => ({ bytes, start: 0, end: bytes.length }));
  const shown = projection === undefined ? documents : documents.map(projection);
  return new ListSource(
    shown,
    shown.reduce((sum, { start, end }) => sum + end - start, 0),
  );
}
