import { partitionsOf } from '../domain/spreading';
import { generationNumber, type GenerationRecord, type Overlay, type RebuildScope } from './records';

/** All overlays of a merchant share a prefix, as do those of all merchants together (`''`). */
export const overlaysOf = (projection: string, merchantId: string): string => `${projection}|${merchantId}|`;

export const overlayId = ({ projection, scope, generationId }: Pick<Overlay, 'projection' | 'scope' | 'generationId'>): string =>
  `${overlaysOf(projection, scope.merchantId ?? '')}${generationId}`;

/** Undefined for what is limited in no way. */
export function scopeOf({ merchantId, from, to }: RebuildScope): RebuildScope | undefined {
  if (merchantId === undefined && from === undefined && to === undefined) return undefined;
  return { ...(merchantId !== undefined && { merchantId }), ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
}

export const isRange = (scope: RebuildScope | undefined): boolean => scope?.from !== undefined || scope?.to !== undefined;

/** The partitions in which a generation has anything to count. */
export function partitionsWithin(generation: Pick<GenerationRecord, 'scope' | 'reach'> | undefined, partitions: number): number[] {
  const merchantId = generation?.scope?.merchantId;
  if (merchantId !== undefined) return partitionsOf(merchantId, generation?.reach ?? 1, partitions);
  return Array.from({ length: partitions }, (_, partition) => partition);
}

/** Whether one event may be within both. */
export function overlaps(a: RebuildScope | undefined, b: RebuildScope | undefined): boolean {
  if (a?.merchantId !== undefined && b?.merchantId !== undefined && a.merchantId !== b.merchantId) return false;
  const endsBefore = (x: RebuildScope | undefined, y: RebuildScope | undefined): boolean =>
    x?.to !== undefined && y?.from !== undefined && x.to < y.from;
  return !endsBefore(a, b) && !endsBefore(b, a);
}

/** Whether everything within `inner` is within `outer`. */
export function covers(outer: RebuildScope | undefined, inner: RebuildScope | undefined): boolean {
  if (outer?.merchantId !== undefined && outer.merchantId !== inner?.merchantId) return false;
  if (outer?.from !== undefined && !(inner?.from !== undefined && inner.from >= outer.from)) return false;
  return outer?.to === undefined || (inner?.to !== undefined && inner.to <= outer.to);
}

/** The overlays that are read where this generation is what the live pointer names, the one in front last. */
export function inFrontOf(liveGenerationId: string, overlays: readonly Overlay[]): Overlay[] {
  const live = generationNumber(liveGenerationId);
  return overlays
    .filter(({ generationId, withdrawnAt }) => withdrawnAt === undefined && generationNumber(generationId) > live)
    .sort((a, b) => generationNumber(a.generationId) - generationNumber(b.generationId));
}

/** Whether readers are answered from an overlay, not only after a rollback: it stands in front, and nothing younger hides all of it. */
export function isRead(overlay: Overlay, liveGenerationId: string, overlays: readonly Overlay[]): boolean {
  const inFront = inFrontOf(
    liveGenerationId,
    overlays.filter(({ projection }) => projection === overlay.projection),
  );
  const place = inFront.indexOf(overlay);
  return place >= 0 && !inFront.slice(place + 1).some(({ scope }) => covers(scope, overlay.scope));
}
