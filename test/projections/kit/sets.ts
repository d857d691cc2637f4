import { BsonWriter } from '../../../projections/kit/bson';
import { writeHashes } from '../../../projections/kit/distinct';
import { writeMembers } from '../../../projections/kit/members';

const nothing = new Uint8Array(0);

/** The stored form of a set with hashes added: low and high halves in turn. */
export function addHashes(stored: Uint8Array | undefined, lanes: Uint32Array): Uint8Array {
  const out = new BsonWriter();
  writeHashes(out, stored ?? nothing, 0, stored?.length ?? 0, lanes.slice(), lanes.length);
  return out.taken();
}

/** The same of a set whose members may be taken back. */
export function addMembers(stored: Uint8Array | undefined, changes: { lanes: Uint32Array; by: Int32Array }): Uint8Array {
  const out = new BsonWriter();
  writeMembers(out, stored ?? nothing, 0, stored?.length ?? 0, { ...changes, lanes: changes.lanes.slice(), length: changes.by.length });
  return out.taken();
}
