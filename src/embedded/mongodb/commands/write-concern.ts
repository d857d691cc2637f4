import { exactNumber } from '../bson/number-key';
import { BsonType, elementsOf } from '../bson/raw';
import { isNumberType, stringOf } from '../bson/values';
import { CommandError } from '../errors';
import type { Command } from './command';

/**
 * Every write is on disk before it is answered: what this server alone can promise needs no look. More nodes than it has are refused
 * before anything is written, as by MongoDB 7.0 where it stands alone; a replica set would write, and answer with a writeConcernError.
 * @throws CommandError BadValue
 */
export function refuseUnmetWriteConcern(command: Command): void {
  const concern = command.document('writeConcern');
  const w = concern === undefined ? undefined : elementsOf(concern).find(({ name }) => name === 'w');
  if (w === undefined) return;
  if (isNumberType(w.type) && (exactNumber(w.bytes, w.type, w.start) ?? Infinity) > 1)
    throw new CommandError('BadValue', "cannot use 'w' > 1 when a host is not replicated");
  if (w.type === BsonType.string && stringOf(w) !== 'majority') {
    const mode = stringOf(w);
    throw new CommandError('BadValue', `cannot use non-majority 'w' mode "${mode}" when a host is not a member of a replica set`);
  }
}
