import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { MerchantRole } from '../domain/merchant-events';
import { type Actor, type CarriedOut, type ConfigurationRefusal, MerchantLog } from './merchant-log';
import { hashSecret, newToken, newTokenId } from './secrets';

/** The token leaves the process this once: only its hash is stored. */
export type TokenGiven =
  { readonly ok: true; readonly tokenId: string; readonly token: string } | { readonly ok: false; readonly refusal: ConfigurationRefusal };

export class IssueToken extends Command<TokenGiven> {
  constructor(
    readonly merchantId: string,
    readonly request: { name: string; role: MerchantRole },
    readonly by: Actor,
  ) {
    super();
  }
}

@CommandHandler(IssueToken)
class IssueTokenHandler implements ICommandHandler<IssueToken> {
  constructor(private readonly log: MerchantLog) {}

  async execute({ merchantId, request, by }: IssueToken): Promise<TokenGiven> {
    const [tokenId, token] = [newTokenId(), newToken()];
    const order = { kind: 'issue-token', tokenId, ...request, tokenHash: hashSecret(token), now: Date.now() } as const;
    const done = await this.log.carryOut(merchantId, order, by);
    return done.ok ? { ok: true, tokenId, token } : done;
  }
}

export class RevokeToken extends Command<CarriedOut> {
  constructor(
    readonly merchantId: string,
    readonly tokenId: string,
    readonly by: Actor,
  ) {
    super();
  }
}

@CommandHandler(RevokeToken)
class RevokeTokenHandler implements ICommandHandler<RevokeToken> {
  constructor(private readonly log: MerchantLog) {}

  execute({ merchantId, tokenId, by }: RevokeToken): Promise<CarriedOut> {
    return this.log.carryOut(merchantId, { kind: 'revoke-token', tokenId, now: Date.now() }, by);
  }
}

export const tokenHandlers = [IssueTokenHandler, RevokeTokenHandler];
