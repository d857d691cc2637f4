import { createHash, timingSafeEqual } from 'node:crypto';
import { type CanActivate, createParamDecorator, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { CONFIGURATION, type ResolvedConfiguration } from '../config';
import { isMerchantId } from '../domain/merchant-settings';
import { DirectoryRecords } from './directory-records';
import { problem } from './problem';
import { hashSecret } from './secrets';

/** Who is asking, once the token was looked at. */
export type Caller =
  | { readonly kind: 'admin' }
  | { readonly kind: 'reader'; readonly merchantId: string; readonly tokenId: string; readonly role: 'viewer' | 'owner' }
  /** A write key sends events and reads nothing. */
  | { readonly kind: 'sender'; readonly merchantId: string };

/** Longer than any secret given out; what is longer is not hashed. */
const secretLengthMax = 256;

@Injectable()
export class Authenticator {
  private readonly adminDigest: Buffer;

  constructor(
    @Inject(CONFIGURATION) configuration: Pick<ResolvedConfiguration, 'adminToken'>,
    private readonly directory: DirectoryRecords,
  ) {
    this.adminDigest = digest(configuration.adminToken);
  }

  /** The caller a token belongs to; undefined for a token that opens nothing. Also what an RSocket SETUP is asked with. */
  async identify(token: string): Promise<Caller | undefined> {
    if (token === '' || token.length > secretLengthMax) return undefined;
    // Digests have one length and are compared in constant time: neither says how much of a guess was right.
    if (timingSafeEqual(digest(token), this.adminDigest)) return { kind: 'admin' };
    const key = await this.directory.key(hashSecret(token));
    switch (key?.kind) {
      case 'read':
        return { kind: 'reader', merchantId: key.merchantId, tokenId: key.tokenId, role: key.role };
      case 'write':
        return { kind: 'sender', merchantId: key.merchantId };
      default:
        return undefined;
    }
  }

  /** @throws ProblemException 401 without a bearer token, or with one that opens nothing */
  async identifyRequest(request: Request): Promise<Caller> {
    const token = bearerToken(request.headers.authorization);
    if (token === undefined) throw problem(401, 'This needs a token: Authorization: Bearer <token>');
    const caller = await this.identify(token);
    if (caller === undefined) throw problem(401, 'This token opens nothing: it is unknown or was revoked');
    return caller;
  }

  /**
   * Whether a caller may read a merchant's reports.
   * @throws ProblemException 403 for another merchant's data, 404 for a merchant that does not exist, which only the admin learns
   */
  async mayRead(caller: Caller, merchantId: string): Promise<void> {
    if (caller.kind === 'sender') throw problem(403, 'A write key sends events; reading needs a read token');
    await this.mustConcern(caller, merchantId);
  }

  /** As mayRead, for the merchant's configuration: the admin, or an owner token of that merchant. */
  async mayConfigure(caller: Caller, merchantId: string): Promise<void> {
    await this.mustConcern(caller, merchantId);
    if (caller.kind === 'sender' || (caller.kind === 'reader' && caller.role !== 'owner')) {
      throw problem(403, 'Configuring needs the admin token or a token with the role owner');
    }
  }

  private async mustConcern(caller: Caller, merchantId: string): Promise<void> {
    if (caller.kind !== 'admin') {
      if (caller.merchantId !== merchantId) throw problem(403, 'This token belongs to another merchant');
      return;
    }
    if (!isMerchantId(merchantId) || !(await this.directory.merchantExists(merchantId))) {
      throw problem(404, `There is no merchant ${JSON.stringify(merchantId.slice(0, 100))}`, 'merchant-unknown');
    }
  }
}

/** The admin token and no other. */
@Injectable()
export class AdminGuard implements CanActivate {
  constructor(private readonly authenticator: Authenticator) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const caller = await identify(context, this.authenticator);
    if (caller.kind !== 'admin') throw problem(403, 'This needs the admin token');
    return true;
  }
}

/** For configuring the merchant in the path (`:merchantId`): the admin, or an owner token of that merchant. */
@Injectable()
export class MerchantGuard implements CanActivate {
  constructor(private readonly authenticator: Authenticator) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const caller = await identify(context, this.authenticator);
    await this.authenticator.mayConfigure(caller, merchantIn(context));
    return true;
  }
}

/** For reading the reports of the merchant in the path (`:merchantId`): any read token of that merchant, or the admin. */
@Injectable()
export class ReportGuard implements CanActivate {
  constructor(private readonly authenticator: Authenticator) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const caller = await identify(context, this.authenticator);
    await this.authenticator.mayRead(caller, merchantIn(context));
    return true;
  }
}

/** For what numbers of the merchant in the path are made of: whoever reads its reports may see it, whoever configures it may change it. */
@Injectable()
export class DefinitionGuard implements CanActivate {
  constructor(private readonly authenticator: Authenticator) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const caller = await identify(context, this.authenticator);
    const { method } = context.switchToHttp().getRequest<Request>();
    if (method === 'GET' || method === 'HEAD') await this.authenticator.mayRead(caller, merchantIn(context));
    else await this.authenticator.mayConfigure(caller, merchantIn(context));
    return true;
  }
}

interface IdentifiedRequest extends Request {
  caller?: Caller;
}

async function identify(context: ExecutionContext, authenticator: Authenticator): Promise<Caller> {
  const request = context.switchToHttp().getRequest<IdentifiedRequest>();
  return (request.caller = await authenticator.identifyRequest(request));
}

function merchantIn(context: ExecutionContext): string {
  const { merchantId } = context.switchToHttp().getRequest<Request>().params;
  if (typeof merchantId !== 'string') throw new Error('this guard protects routes with :merchantId');
  return merchantId;
}

/** The caller one of the guards let through. */
export const CurrentCaller = createParamDecorator((_data: unknown, context: ExecutionContext): Caller => {
  const { caller } = context.switchToHttp().getRequest<IdentifiedRequest>();
  if (caller === undefined) throw new Error('CurrentCaller needs a guard before it');
  return caller;
});

/** For the metadata of what a caller caused. */
export const actorOf = (caller: Caller): string => (caller.kind === 'reader' ? `token:${caller.tokenId}` : caller.kind);

function bearerToken(header: string | undefined): string | undefined {
  return header === undefined ? undefined : /^Bearer +(\S+) *$/i.exec(header)?.[1];
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
