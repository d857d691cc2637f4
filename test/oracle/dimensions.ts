import UAParser from 'ua-parser-js';
import type { AcceptedEvent } from '../../src/domain/columns';
import type { Item } from '../../src/protocol/event';
import { cameFrom } from './acquisition';
import { given, hostnameOf, pageOf, propertyOf } from './events';
import { entryPageOf, exitPageOf, type Session } from './sessions';

/** Of events and, by their first event, of sessions. */
export const visitorDimensions = ['country', 'language', 'device', 'browser', 'os', 'screen'] as const;
export type VisitorDimension = (typeof visitorDimensions)[number];
export type EventDimension = VisitorDimension | 'page' | 'hostname' | 'title' | 'event' | 'coupon' | `property:${string}`;
export const itemDimensions = ['product', 'category', 'brand'] as const;
export type ItemDimension = (typeof itemDimensions)[number];
/** Of sessions alone: every metric can be asked for by them. */
export const acquisitionDimensions = [
  'channel',
  'source',
  'medium',
  'campaign',
  'term',
  'content',
  'referrer',
  'firstChannel',
  'firstSource',
  'firstMedium',
  'firstCampaign',
  'firstTerm',
  'firstContent',
  'firstReferrer',
  'entryPage',
  'exitPage',
] as const;
export type AcquisitionDimension = (typeof acquisitionDimensions)[number];
export const sessionDimensions = [...visitorDimensions, 'hostname', 'entryPage', 'exitPage'] as const;
export type SessionDimension = VisitorDimension | 'hostname' | AcquisitionDimension;

const notSet = '(not set)';

/** The value an event counts under; undefined leaves it out. */
export function eventValue(event: AcceptedEvent, dimension: EventDimension): string | undefined {
  switch (dimension) {
    case 'page':
      return pageOf(event);
    case 'hostname':
      return hostnameOf(event);
    case 'title':
      return given(event.title);
    case 'event':
      return event.name;
    case 'coupon':
      return given(event.coupon);
    case 'country':
      return given(event.country) ?? notSet;
    case 'language':
      return given(event.language)?.toLowerCase() ?? notSet;
    case 'screen':
      return given(event.screen) ?? notSet;
    case 'device':
    case 'browser':
    case 'os':
      return agentOf(event.userAgent ?? '')[dimension];
    default:
      return propertyOf(event, dimension.slice('property:'.length));
  }
}

export function itemValue(item: Item, dimension: ItemDimension): string | undefined {
  switch (dimension) {
    case 'product':
      return item.itemId;
    case 'category':
      return given(item.category);
    case 'brand':
      return given(item.brand);
  }
}

export function sessionValue(session: Session, dimension: SessionDimension): string {
  const first = session.events[0]!;
  switch (dimension) {
    case 'entryPage':
      return entryPageOf(session) ?? notSet;
    case 'exitPage':
      return exitPageOf(session) ?? notSet;
    case 'channel':
    case 'source':
    case 'medium':
    case 'campaign':
    case 'term':
    case 'content':
    case 'referrer':
      return cameFrom(first)[dimension];
    case 'firstChannel':
      return cameFrom(session.visitorsFirst).channel;
    case 'firstSource':
      return cameFrom(session.visitorsFirst).source;
    case 'firstMedium':
      return cameFrom(session.visitorsFirst).medium;
    case 'firstCampaign':
      return cameFrom(session.visitorsFirst).campaign;
    case 'firstTerm':
      return cameFrom(session.visitorsFirst).term;
    case 'firstContent':
      return cameFrom(session.visitorsFirst).content;
    case 'firstReferrer':
      return cameFrom(session.visitorsFirst).referrer;
    default:
      return eventValue(first, dimension) ?? notSet;
  }
}

const agents = new Map<string, { device: string; browser: string; os: string }>();
function agentOf(userAgent: string): { device: string; browser: string; os: string } {
  if (userAgent === '') return { device: notSet, browser: notSet, os: notSet };
  if (!agents.has(userAgent)) {
    const { device, browser, os } = new UAParser(userAgent).getResult();
    agents.set(userAgent, { device: device.type ?? 'desktop', browser: browser.name ?? notSet, os: os.name ?? notSet });
  }
  return agents.get(userAgent)!;
}
