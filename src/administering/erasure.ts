import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type Actor, type ConfigurationRefusal, MerchantLog } from '../configuring/merchant-log';
import { pseudonymsUnder } from '../domain/pseudonyms';
import { pseudonymSecretOf } from '../stores/pseudonym-secrets';
import { READ_STORE, type ReadStore } from '../stores/read-store';

export type ErasureOutcome =
  /** Of the settings without the visitor: the rebuilds with it, or a later one, count the visitor no more. */
  { readonly ok: true; readonly settingsRevision: number } | { readonly ok: false; readonly refusal: ConfigurationRefusal };

/**
 * From here on no read model counts the visitor: what was counted of them is counted again without, and what still comes counts
 * nowhere. Cannot be taken back; repeating it changes nothing.
 */
export class EraseVisitor extends Command<ErasureOutcome> {
  constructor(
    readonly merchantId: string,
    /** As the merchant's shop sends it. */
    readonly visitorId: string,
    readonly by: Actor,
  ) {
    super();
  }
}

@CommandHandler(EraseVisitor)
export class EraseVisitorHandler implements ICommandHandler<EraseVisitor> {
  constructor(
    private readonly log: MerchantLog,
    @Inject(READ_STORE) private readonly store: ReadStore,
  ) {}

  async execute({ merchantId, visitorId, by }: EraseVisitor): Promise<ErasureOutcome> {
    const { state } = await this.log.load(merchantId);
    // Asked first: a merchant that does not exist gets no secret.
    if (state.kind !== 'active') return { ok: false, refusal: { reason: `merchant-${state.kind}` } };
    const secret = await pseudonymSecretOf(this.store.records, merchantId);
    if (secret === undefined) return { ok: false, refusal: { reason: 'merchant-deleted' } };
    const visitor = pseudonymsUnder(secret)(visitorId);
    const done = await this.log.carryOut(merchantId, { kind: 'erase-visitor', visitor, now: Date.now() }, by);
    if (!done.ok) return done;
    const { view } = await this.log.load(merchantId);
    return { ok: true, settingsRevision: Number(view.settings.at(-1)!.revision) };
  }
}
