import { type Definitions, noDefinitions } from './definitions';
import { decideDefinition, type DefinitionCommand, type DefinitionRefusal, evolveDefinitions } from './merchant-definitions';
import { isDefinitionEvent, type MerchantEvent, type MerchantRole } from './merchant-events';
import { merchantLimits } from './merchant-settings';
import { decideRates, evolveRates, type Rate, type RatesRefusal, type RateTable } from './rates';
import { spreadBeginsAfterMs, type SpreadSince } from './spreading';
import { unreachable } from './unreachable';

/** Three pure functions: where it starts, what a fact changes, which facts an order causes. */
export interface Decider<State, Command, Event, Refusal> {
  readonly initial: State;
  evolve(state: State, event: Event): State;
  decide(command: Command, state: State): Decision<Event, Refusal>;
}

/** No events: the order was carried out before, and repeating it changes nothing. */
type Decision<Event, Refusal> =
  { readonly ok: true; readonly events: readonly Event[] } | { readonly ok: false; readonly refusal: Refusal };

/** What deciding needs to know of a merchant, and no more. */
export type MerchantState =
  | { readonly kind: 'unknown' }
  | {
      readonly kind: 'active';
      readonly name: string;
      readonly timezone: string;
      readonly currency: string;
      /** The last of its spreads: see spreading.ts. */
      readonly spread: SpreadSince;
      readonly sources: readonly Source[];
      readonly tokenIds: readonly string[];
      readonly definitions: Definitions;
      readonly rates: RateTable;
    }
  | { readonly kind: 'deleted' };

/** What may be changed of a source. */
interface Source {
  readonly sourceId: string;
  readonly name: string;
  readonly allowedOrigins: readonly string[];
}

/** Orders. Ids, hashes of secrets and the time (`now`, epoch ms) come from outside; settings are parsed already. */
export type MerchantCommand =
  | { kind: 'register'; merchantId: string; name: string; timezone: string; currency: string; spread?: number; now: number }
  | {
      kind: 'change';
      name?: string;
      timezone?: string;
      currency?: string;
      sessionsEndAtMidnight?: boolean;
      spread?: number;
      now: number;
    }
  | { kind: 'add-source'; sourceId: string; name: string; allowedOrigins: readonly string[]; keyHash: string; now: number }
  | { kind: 'change-source'; sourceId: string; name?: string; allowedOrigins?: readonly string[]; now: number }
  | { kind: 'rotate-write-key'; sourceId: string; keyHash: string; now: number }
  | { kind: 'remove-source'; sourceId: string; now: number }
  | { kind: 'issue-token'; tokenId: string; name: string; role: MerchantRole; tokenHash: string; now: number }
  | { kind: 'revoke-token'; tokenId: string; now: number }
  /** All of them: what is not in the list is taken away. */
  | { kind: 'set-rates'; rates: readonly Rate[]; now: number }
  | { kind: 'delete'; now: number }
  | DefinitionCommand;

export type MerchantRefusal =
  | { readonly reason: 'merchant-exists' }
  | { readonly reason: 'merchant-unknown' }
  /** The id stays taken: its events are in the log, and a namesake must not inherit them. */
  | { readonly reason: 'merchant-deleted' }
  | { readonly reason: 'source-unknown'; readonly sourceId: string }
  | { readonly reason: 'token-unknown'; readonly tokenId: string }
  | { readonly reason: 'too-many-sources'; readonly max: number }
  | { readonly reason: 'too-many-tokens'; readonly max: number }
  | RatesRefusal
  | DefinitionRefusal;

export const merchant: Decider<MerchantState, MerchantCommand, MerchantEvent, MerchantRefusal> = {
  initial: { kind: 'unknown' },
  evolve,
  decide,
};

function evolve(state: MerchantState, event: MerchantEvent): MerchantState {
  if (event.type === 'merchant-registered.v1') {
    const { name, timezone, currency } = event.data;
    const nothing = { sources: [], tokenIds: [], definitions: noDefinitions, rates: { into: currency, rates: [] } };
    return { kind: 'active', name, timezone, currency, spread: { spread: 1, since: 0 }, ...nothing };
  }
  // Only a registered merchant has further facts; decide sees to it.
  if (state.kind !== 'active') return state;
  if (isDefinitionEvent(event)) return { ...state, definitions: evolveDefinitions(state.definitions, event) };
  switch (event.type) {
    case 'merchant-renamed.v1':
      return { ...state, name: event.data.name };
    case 'timezone-changed.v1':
      return { ...state, timezone: event.data.timezone };
    case 'currency-changed.v1':
      return { ...state, currency: event.data.currency };
    case 'spread-changed.v1':
      return { ...state, spread: { spread: event.data.spread, since: event.data.since } };
    case 'source-added.v1': {
      const { sourceId, name, allowedOrigins } = event.data;
      return { ...state, sources: [...state.sources, { sourceId, name, allowedOrigins }] };
    }
    case 'source-changed.v1': {
      const { sourceId, name, allowedOrigins } = event.data;
      return { ...state, sources: state.sources.map((s) => (s.sourceId === sourceId ? { sourceId, name, allowedOrigins } : s)) };
    }
    case 'write-key-rotated.v1':
      return state;
    case 'source-removed.v1':
      return { ...state, sources: state.sources.filter(({ sourceId }) => sourceId !== event.data.sourceId) };
    case 'token-issued.v1':
      return { ...state, tokenIds: [...state.tokenIds, event.data.tokenId] };
    case 'token-revoked.v1':
      return { ...state, tokenIds: state.tokenIds.filter((id) => id !== event.data.tokenId) };
    case 'rates-changed.v1':
      return { ...state, rates: evolveRates(state.rates, event.data) };
    case 'merchant-deleted.v1':
      return { kind: 'deleted' };
    default:
      return unreachable(event);
  }
}

function decide(command: MerchantCommand, state: MerchantState): Decision<MerchantEvent, MerchantRefusal> {
  if (command.kind === 'register') {
    if (state.kind === 'active') return refuse({ reason: 'merchant-exists' });
    if (state.kind === 'deleted') return refuse({ reason: 'merchant-deleted' });
    const { merchantId, name, timezone, currency, spread = 1, now } = command;
    const registered: MerchantEvent = { type: 'merchant-registered.v1', data: { merchantId, name, timezone, currency, at: now } };
    if (spread === 1) return accept(registered);
    // Nothing was collected yet, so that it may hold for whatever happened before as well.
    return accept(registered, { type: 'spread-changed.v1', data: { spread, since: 0, at: now } });
  }
  if (state.kind === 'unknown') return refuse({ reason: 'merchant-unknown' });
  if (state.kind === 'deleted') return command.kind === 'delete' ? accept() : refuse({ reason: 'merchant-deleted' });

  const at = command.now;
  switch (command.kind) {
    case 'change':
      return accept(...changes(command, state));
    case 'add-source': {
      if (state.sources.length >= merchantLimits.sourcesMax) {
        return refuse({ reason: 'too-many-sources', max: merchantLimits.sourcesMax });
      }
      const { sourceId, name, allowedOrigins, keyHash } = command;
      return accept({ type: 'source-added.v1', data: { sourceId, name, allowedOrigins: [...allowedOrigins], keyHash, at } });
    }
    case 'change-source': {
      const { sourceId } = command;
      const known = sourceOf(state, sourceId);
      if (known === undefined) return refuse({ reason: 'source-unknown', sourceId });
      const { name = known.name, allowedOrigins = known.allowedOrigins } = command;
      if (name === known.name && isSameList(allowedOrigins, known.allowedOrigins)) return accept();
      return accept({ type: 'source-changed.v1', data: { sourceId, name, allowedOrigins: [...allowedOrigins], at } });
    }
    case 'rotate-write-key': {
      const { sourceId, keyHash } = command;
      if (sourceOf(state, sourceId) === undefined) return refuse({ reason: 'source-unknown', sourceId });
      return accept({ type: 'write-key-rotated.v1', data: { sourceId, keyHash, at } });
    }
    case 'remove-source': {
      const { sourceId } = command;
      if (sourceOf(state, sourceId) === undefined) return refuse({ reason: 'source-unknown', sourceId });
      return accept({ type: 'source-removed.v1', data: { sourceId, at } });
    }
    case 'issue-token': {
      if (state.tokenIds.length >= merchantLimits.tokensMax) return refuse({ reason: 'too-many-tokens', max: merchantLimits.tokensMax });
      const { tokenId, name, role, tokenHash } = command;
      return accept({ type: 'token-issued.v1', data: { tokenId, name, role, tokenHash, at } });
    }
    case 'revoke-token': {
      const { tokenId } = command;
      if (!state.tokenIds.includes(tokenId)) return refuse({ reason: 'token-unknown', tokenId });
      return accept({ type: 'token-revoked.v1', data: { tokenId, at } });
    }
    case 'set-rates': {
      const decided = decideRates(state.rates, state.currency, command.rates);
      if (decided === undefined) return accept();
      return 'reason' in decided ? refuse(decided) : accept({ type: 'rates-changed.v1', data: { ...decided, at } });
    }
    case 'delete':
      return accept({ type: 'merchant-deleted.v1', data: { at } });
    default:
      return decideDefinition(command, state.definitions);
  }
}

type Change = Extract<MerchantCommand, { kind: 'change' }>;
type Active = Extract<MerchantState, { kind: 'active' }>;

const sourceOf = ({ sources }: Active, id: string): Source | undefined => sources.find(({ sourceId }) => sourceId === id);
const isSameList = (a: readonly string[], b: readonly string[]): boolean => a.length === b.length && a.every((value, i) => value === b[i]);

/** One fact a setting that really changes. */
function changes(command: Change, state: Active): MerchantEvent[] {
  const { name, timezone, currency, sessionsEndAtMidnight, spread, now: at } = command;
  const events: MerchantEvent[] = [];
  if (name !== undefined && name !== state.name) events.push({ type: 'merchant-renamed.v1', data: { name, at } });
  if (timezone !== undefined && timezone !== state.timezone) events.push({ type: 'timezone-changed.v1', data: { timezone, at } });
  if (currency !== undefined && currency !== state.currency) events.push({ type: 'currency-changed.v1', data: { currency, at } });
  if (sessionsEndAtMidnight !== undefined && sessionsEndAtMidnight !== state.definitions.sessionsEndAtMidnight) {
    events.push({ type: 'sessions-end-changed.v1', data: { sessionsEndAtMidnight, at } });
  }
  if (spread !== undefined && spread !== state.spread.spread) {
    // Never before an earlier one, whatever the clocks of the processes that decided.
    const since = Math.max(at + spreadBeginsAfterMs, state.spread.since);
    events.push({ type: 'spread-changed.v1', data: { spread, since, at } });
  }
  return events;
}

const accept = (...events: MerchantEvent[]): Decision<MerchantEvent, MerchantRefusal> => ({ ok: true, events });
const refuse = (refusal: MerchantRefusal): Decision<MerchantEvent, MerchantRefusal> => ({ ok: false, refusal });
