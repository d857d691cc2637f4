import { RecountClient } from './client';
import type { RecountOptions } from './options';

export type { RecountClient, RecountStats } from './client';
export { RecountRefused } from './connection';
export type { DropReason, RecountOptions, TrackedEvent } from './options';

/**
 * A client that sends events to Recount.
 *
 *     const recount = createRecount({ url: 'tcp://127.0.0.1:7878', writeKey });
 *     recount.track({ name: 'page_view', visitorId: 'v1', url: 'https://shop.example/' });
 *     await recount.close();
 *
 * It connects when the first event is tracked, keeps a bounded queue while there is no connection, and holds the process
 * open until `close`.
 * @throws Error naming the option that is wrong
 */
export function createRecount(options: RecountOptions): RecountClient {
  return new RecountClient(options);
}
