import { acceptBatch, type AcceptContext, type AcceptedBatch } from '../../src/domain/accept';
import { parseBatch } from '../../src/domain/accept-parse';
import { pseudonymsUnder } from '../../src/domain/pseudonyms';

export const receivedAt = Date.UTC(2026, 5, 15, 12);
export const event = { id: 'e1', name: 'page_view', time: receivedAt - 1_000, visitorId: 'v1' };
export const pseudonymOf = pseudonymsUnder('s'.repeat(43));
/** As what an event is about is stored. */
export const stored = { ...event, visitorId: pseudonymOf('v1') };

export function accept(body: unknown, context: Partial<AcceptContext> = {}): AcceptedBatch {
  const batch = parseBatch(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)));
  if (!batch.ok) throw new Error(`malformed: ${batch.detail}`);
  const countryOf = (ip: string): string | undefined => (ip === '203.0.113.7' ? 'NZ' : undefined);
  return acceptBatch(batch, { merchantId: 'm1', receivedAt, countryOf, pseudonymOf, ...context });
}
export const acceptOne = (fields: object, context?: Partial<AcceptContext>) => accept([{ ...event, ...fields }], context);
