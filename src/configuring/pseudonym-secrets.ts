import { Inject, Injectable } from '@nestjs/common';
import { type Logger, LOGGER } from '../logging';
import { StoreUnavailable } from '../stores/event-store';
import { destroyPseudonymSecret, pseudonymSecretOf } from '../stores/pseudonym-secrets';
import { READ_STORE, type ReadStore } from '../stores/read-store';

/** The secrets that merchants' visitors are pseudonymised under: made with a merchant and destroyed with it. */
@Injectable()
export class PseudonymSecrets {
  constructor(
    @Inject(READ_STORE) private readonly store: ReadStore,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Where it cannot be written now, whoever needs it first makes it. */
  async make(merchantId: string): Promise<void> {
    try {
      await pseudonymSecretOf(this.store.records, merchantId);
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      this.logger.warn({ err: error, merchantId }, 'merchant registered; its pseudonym secret is made with its first event');
    }
  }

  /** Idempotent. @throws StoreUnavailable: the order must be given again, and may be */
  destroy(merchantId: string): Promise<void> {
    return destroyPseudonymSecret(this.store.records, merchantId);
  }
}
