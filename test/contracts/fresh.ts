import { randomUUID } from 'node:crypto';

/** A name nothing else has. */
export const fresh = (prefix = 'contract'): string => `${prefix}_${randomUUID().slice(0, 8)}`;
