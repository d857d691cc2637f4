import { covers, overlaps, scopeOf } from './overlays';
import { type GenerationRecord, generationNumber, nextGenerationId, type RebuildRecord } from './records';

/** What a pass over the log depends on beside the projections folded in it. */
type Pass = Pick<RebuildRecord, 'merchantId' | 'from' | 'to' | 'settingsRevision' | 'timezonesAt'>;

const isSameScope = (a: Pass, b: Pass): boolean =>
  a.merchantId === b.merchantId && a.from === b.from && a.to === b.to && a.settingsRevision === b.settingsRevision;

/** Whether one pass over the log can serve both. */
export const isSamePass = (a: Pass, b: Pass): boolean => isSameScope(a, b) && a.timezonesAt === b.timezonesAt;

/** Those asked for whose generation has not begun. */
export function gathering(rebuilds: readonly RebuildRecord[], generationIds: ReadonlySet<string>): RebuildRecord[] {
  return rebuilds.filter(({ state, generationId }) => state === 'building' && !generationIds.has(generationId));
}

/**
 * The generation a rebuild is to be counted in. Nobody writes its record but the coordinator, once no further rebuild has come for a
 * moment; until then rebuilds of the same scope are asked for under its number, and one pass over the log serves them all. Whoever
 * names it too late is given another by the coordinator.
 */
export function generationFor(
  asked: Pass & Pick<RebuildRecord, 'projection'>,
  generationIds: readonly string[],
  rebuilds: readonly RebuildRecord[],
): string {
  const waiting = gathering(rebuilds, new Set(generationIds));
  const joined = waiting.find(({ generationId, ...pass }) => {
    // One that was cancelled keeps its id.
    const isTaken = rebuilds.some((one) => one.generationId === generationId && one.projection === asked.projection);
    return isSamePass(pass, asked) && !isTaken;
  });
  return joined?.generationId ?? nextGenerationId([...generationIds, ...rebuilds.map(({ generationId }) => generationId)]);
}

/** Whether a generation counts what a rebuild asks for: false for one that named its number when it had begun, or for another scope. */
export function isPartOf({ projections, scope, settingsRevision }: GenerationRecord, rebuild: RebuildRecord): boolean {
  const isListed = projections.some(({ name, version }) => name === rebuild.projection && version === rebuild.version);
  return isListed && isSameScope({ ...scope, settingsRevision }, { ...scopeOf(rebuild), settingsRevision: rebuild.settingsRevision });
}

const wasRolledBack = ({ state, promotedAt }: Pick<RebuildRecord, 'state' | 'promotedAt'>): boolean =>
  state === 'caught-up' && promotedAt !== undefined;

/**
 * Whether a rebuild served, was rolled back and is not to serve again: the same may be counted anew beside it, and what is counted
 * anew takes its place. One that never served waits for a decision that nobody made yet.
 */
export const givesWay = (rebuild: Pick<RebuildRecord, 'state' | 'promotedAt' | 'wish'>): boolean =>
  wasRolledBack(rebuild) && rebuild.wish !== 'promote';

/**
 * The rebuild that takes the place of one that was rolled back: begun later, for the same merchant or for everybody, it counts some of
 * the same days, or serves all of them already.
 */
export function supersederOf(rebuild: RebuildRecord, rebuilds: readonly RebuildRecord[]): RebuildRecord | undefined {
  if (!wasRolledBack(rebuild)) return undefined;
  const { projection, merchantId } = rebuild;
  const number = generationNumber(rebuild.generationId);
  return rebuilds.find((other) => {
    if (other.projection !== projection || other.merchantId !== merchantId || generationNumber(other.generationId) <= number) return false;
    if (other.state === 'live') return covers(scopeOf(other), scopeOf(rebuild));
    return (other.state === 'building' || other.state === 'caught-up') && overlaps(scopeOf(other), scopeOf(rebuild));
  });
}
