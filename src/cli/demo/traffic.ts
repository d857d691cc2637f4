import { newBot, newPerson, type Person } from './people';
import { Random } from './random';
import { Session, type DemoEvent } from './session';

export interface DemoTraffic {
  seed: number;
  /** Epoch ms; no event is later. */
  until: number;
  days: number;
  /** About this many events, within a few percent. */
  events: number;
}

const dayMs = 86_400_000;
const hourMs = 3_600_000;
/** Events of an average session, bots and duplicates included; measured on this generator. */
const eventsPerSession = 7.34;
/** Sunday first. People who plan a trip plan it on Sunday evening. */
const weekdayWeights = [1.22, 0.98, 0.93, 0.94, 0.97, 0.9, 1.06];
/** By hour of the visitor's own clock. */
const hourWeights = [2, 1, 0.6, 0.4, 0.4, 0.7, 1.6, 3, 4, 4.6, 5, 5.2, 5.6, 5.2, 4.9, 4.8, 5, 5.4, 6, 6.8, 7.4, 7, 5.4, 3.4];
const botShare = 0.05;
const returningShare = 0.38;
const lateShare = 0.012;
const duplicateShare = 0.008;
/** Visitors remembered as ones who may come back. */
const acquaintancesMax = 20_000;

/**
 * The traffic of a shop in the order in which it arrives: mostly as it happened, some of it late by minutes or days, some of it
 * twice. A pure function of its arguments: the same arguments give the same events with the same ids.
 */
export function* demoTraffic({ seed, until, days, events }: DemoTraffic): Generator<DemoEvent> {
  const random = new Random(seed);
  const acquaintances: Person[] = [];
  const begin = until - days * dayMs;
  let arriving: Arrival[] = [];
  for (let day = 0; day < days; day++) {
    const from = begin + day * dayMs;
    const sessions = Math.round((events / days / eventsPerSession) * dayWeight(from, day, days));
    for (let i = 0; i < sessions; i++) {
      for (const event of sessionEvents(from, acquaintances, random)) {
        if (event.time < until) arriving.push(...arrivals(event, random, until));
      }
    }
    arriving.sort((a, b) => a.at - b.at || (a.event.id < b.event.id ? -1 : 1));
    // Sessions of tomorrow may still begin before these arrive.
    const end = day === days - 1 ? Infinity : from + dayMs;
    const due = arriving.filter((arrival) => arrival.at < end);
    arriving = arriving.filter((arrival) => arrival.at >= end);
    for (const { event } of due) yield event;
  }
}

interface Arrival {
  at: number;
  event: DemoEvent;
}

function sessionEvents(from: number, acquaintances: Person[], random: Random): DemoEvent[] {
  if (random.chance(botShare)) return new Session(newBot(random), random, from + random.unit() * dayMs).crawl().events;
  const returns = acquaintances.length > 50 && random.chance(returningShare);
  const person = returns ? random.pick(acquaintances) : newPerson(random);
  if (!returns) {
    if (acquaintances.length < acquaintancesMax) acquaintances.push(person);
    else acquaintances[random.below(acquaintancesMax)] = person;
  }
  return new Session(person, random, startOf(from, person, random)).browse().events;
}

/** A moment of the UTC day that begins at `from`, by the clock the person lives by. */
function startOf(from: number, person: Person, random: Random): number {
  const localHour = random.weighted(hourWeights.map((weight, hour) => [hour, weight] as const));
  const hourOfDay = (localHour - person.utcOffsetHours + 48) % 24;
  const beginsAtHour = Math.floor((from % dayMs) / hourMs);
  return from + ((hourOfDay - beginsAtHour + 24) % 24) * hourMs + random.unit() * hourMs;
}

function arrivals(event: DemoEvent, random: Random, until: number): Arrival[] {
  const late = random.chance(lateShare);
  const delayMs = late
    ? random.chance(0.2)
      ? random.between(6, 60) * hourMs
      : random.between(5, 240) * 60_000
    : random.between(50, 2_000);
  const at = Math.min(event.time + delayMs, until);
  if (!random.chance(duplicateShare)) return [{ at, event }];
  return [
    { at, event },
    { at: Math.min(at + random.between(500, 30_000), until), event },
  ];
}

/** The week has its rhythm, and the shop grows. */
function dayWeight(from: number, day: number, days: number): number {
  const growth = 0.85 + (0.3 * day) / Math.max(1, days - 1);
  return weekdayWeights[new Date(from + dayMs / 2).getUTCDay()]! * growth;
}
