import { createHash, randomBytes } from 'node:crypto';

/** 256 random bits behind a prefix that says what the secret opens: `wk_` sends events, `rt_` reads reports. */
export const newWriteKey = (): string => `wk_${randomBytes(32).toString('base64url')}`;
export const newToken = (): string => `rt_${randomBytes(32).toString('base64url')}`;

/** Ids are not secret and short; 72 random bits do not meet. */
export const newMerchantId = (): string => `m_${randomBytes(9).toString('base64url')}`;
export const newSourceId = (): string => `s_${randomBytes(9).toString('base64url')}`;
export const newTokenId = (): string => `t_${randomBytes(9).toString('base64url')}`;
export const newGoalId = (): string => `g_${randomBytes(9).toString('base64url')}`;
export const newFunnelId = (): string => `fu_${randomBytes(9).toString('base64url')}`;
export const newFilterId = (): string => `fi_${randomBytes(9).toString('base64url')}`;

/** sha256, hex: what is stored of a secret. A secret of full entropy needs no salt and no slow hash. */
export const hashSecret = (secret: string): string => createHash('sha256').update(secret).digest('hex');
