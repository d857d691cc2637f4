import { ErrorCodes, type SetupPayload } from 'rsocket-core';
import { decodeAuthMetadata, decodeCompositeMetadata } from 'rsocket-composite-metadata';
import { mimeTypes } from '../protocol/rsocket';
import { type KeyDirectory, keyHash, type UsableKey } from '../peers/key-directory';
import { isAllowedOrigin } from '../peers/origins';
import { Refusal } from './refusal';

/** Whom a connection belongs to, as its SETUP proved. */
export interface Session {
  readonly keyHash: string;
  /** As the key directory knows it now: what the merchant filters changes while a connection lives. */
  record: UsableKey;
  readonly metadataMimeType: string;
  readonly visitorAddress: string | undefined;
  /** Of the page, where the connection is a browser's. */
  readonly origin: string | undefined;
}

/** The key cannot be checked at the moment: not the sender's fault, and no reason to stop trying. */
export class KeysUnavailable extends Error {}

const AUTHENTICATION = 'message/x.rsocket.authentication.v0';
const SECRET_LENGTH_MAX = 512;

/**
 * @throws Refusal REJECTED_SETUP for a missing, wrong or misplaced key
 * @throws KeysUnavailable
 */
export async function authenticate(
  setup: SetupPayload,
  peer: { readonly origin: string | undefined; readonly visitorAddress: string | undefined },
  keys: KeyDirectory,
): Promise<Session> {
  const secret = secretOf(setup);
  if (secret === undefined)
    throw rejected(
      'SETUP must carry a write key or a read token, as bearer authentication metadata or as {"writeKey":…} or {"token":…} in its data',
    );
  const hash = keyHash(secret);
  const lookup = await keys.find(hash);
  switch (lookup.kind) {
    case 'unavailable':
      throw new KeysUnavailable('the key cannot be checked at the moment; connect again');
    case 'unknown':
      throw rejected('this key does not exist or was revoked');
    case 'known': {
      const { record } = lookup;
      const { origin, visitorAddress } = peer;
      const refused = originRefused(record, origin);
      if (refused !== undefined) throw rejected(refused);
      return { keyHash: hash, record, metadataMimeType: setup.metadataMimeType, visitorAddress, origin };
    }
  }
}

/** Why a key takes nothing from pages of this origin; undefined: it does, or no page asks. */
export function originRefused(record: UsableKey, origin: string | undefined): string | undefined {
  if (record.kind !== 'write' || origin === undefined || isAllowedOrigin(origin, record.allowedOrigins)) return undefined;
  return `this source takes no events from pages of ${origin.slice(0, 200)}`;
}

const rejected = (message: string): Refusal => new Refusal(ErrorCodes.REJECTED_SETUP, message);

function secretOf(setup: SetupPayload): string | undefined {
  return bearerOf(setup) ?? secretInData(setup.data);
}

function bearerOf({ metadata, metadataMimeType }: SetupPayload): string | undefined {
  if (!metadata || metadata.length === 0) return undefined;
  try {
    if (metadataMimeType === AUTHENTICATION) return secretInAuthentication(metadata);
    if (metadataMimeType !== mimeTypes.compositeMetadata) return undefined;
    for (const entry of decodeCompositeMetadata(metadata)) {
      if (entry.mimeType === AUTHENTICATION) return secretInAuthentication(entry.content);
    }
    return undefined;
  } catch {
    throw rejected('the metadata of SETUP could not be read');
  }
}

function secretInAuthentication(content: Buffer): string | undefined {
  const { type, payload } = decodeAuthMetadata(content);
  if (type.string !== 'bearer') throw rejected('authentication must be of type bearer');
  return bounded(payload.toString('utf8'));
}

/** `{"writeKey":…}`, or `{"token":…}` for reading. */
function secretInData(data: Buffer | null | undefined): string | undefined {
  if (!data || data.length === 0 || data.length > 4 * SECRET_LENGTH_MAX) return undefined;
  try {
    const value = JSON.parse(data.toString('utf8')) as { writeKey?: unknown; token?: unknown } | null;
    const secret = value?.writeKey ?? value?.token;
    return typeof secret === 'string' ? bounded(secret) : undefined;
  } catch {
    throw rejected('the data of SETUP is not JSON');
  }
}

const bounded = (secret: string): string | undefined => (secret.length > 0 && secret.length <= SECRET_LENGTH_MAX ? secret : undefined);
