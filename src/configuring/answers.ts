import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

import type { Problem, ProblemError } from '../protocol/problem';
import type { MerchantRecord } from '../stores/records';

class ProblemErrorAnswer implements ProblemError {
  @ApiProperty() field!: string;
  @ApiProperty() detail!: string;
}

/** How every refusal is described, `application/problem+json`. */
export class ProblemAnswer implements Problem {
  @ApiProperty({ example: 'urn:recount:problem:merchant-exists' }) type!: string;
  @ApiProperty() title!: string;
  @ApiProperty() status!: number;
  @ApiProperty({ description: 'Names what was refused and what is allowed.' }) detail!: string;
  @ApiProperty() instance!: string;
  @ApiPropertyOptional({ type: [ProblemErrorAnswer] }) errors?: ProblemErrorAnswer[];
}

export class MerchantAnswer {
  @ApiProperty() merchantId!: string;
  @ApiProperty() name!: string;
  @ApiProperty() timezone!: string;
  @ApiProperty() currency!: string;
  @ApiProperty() sessionsEndAtMidnight!: boolean;
  @ApiProperty({ description: 'Over how many partitions its events are spread.' }) spread!: number;
  @ApiProperty({ format: 'date-time' }) createdAt!: string;
}

export class MerchantsAnswer {
  @ApiProperty({ type: [MerchantAnswer] }) merchants!: MerchantAnswer[];
  @ApiProperty({ type: String, nullable: true, description: 'Ask the following page with after=; null on the last.' }) next!: string | null;
}

export class SourceAnswer {
  @ApiProperty() sourceId!: string;
  @ApiProperty() name!: string;
  @ApiProperty({ type: [String] }) allowedOrigins!: string[];
  @ApiProperty({ format: 'date-time' }) createdAt!: string;
}

export class SourcesAnswer {
  @ApiProperty({ type: [SourceAnswer] }) sources!: SourceAnswer[];
}

export class WriteKeyAnswer {
  @ApiProperty() sourceId!: string;
  @ApiProperty({ description: 'Shown this once.', example: 'wk_…' }) writeKey!: string;
}

export class TokenAnswer {
  @ApiProperty() tokenId!: string;
  @ApiProperty() name!: string;
  @ApiProperty({ enum: ['viewer', 'owner'] }) role!: 'viewer' | 'owner';
  @ApiProperty({ format: 'date-time' }) createdAt!: string;
}

export class TokensAnswer {
  @ApiProperty({ type: [TokenAnswer] }) tokens!: TokenAnswer[];
}

export class TokenGivenAnswer {
  @ApiProperty() tokenId!: string;
  @ApiProperty({ description: 'Shown this once.', example: 'rt_…' }) token!: string;
}

const iso = (epochMs: number): string => new Date(epochMs).toISOString();

export const answerMerchant = (merchant: MerchantRecord): MerchantAnswer => {
  const { merchantId, name, timezone, currency, sessionsEndAtMidnight = false, spreads, createdAt } = merchant;
  const spread = spreads?.at(-1)?.spread ?? 1;
  return { merchantId, name, timezone, currency, sessionsEndAtMidnight, spread, createdAt: iso(createdAt) };
};

/** Without the hash of its key: that is of no use to anyone outside. */
export const answerSource = ({ sourceId, name, allowedOrigins, createdAt }: MerchantRecord['sources'][number]): SourceAnswer => ({
  sourceId,
  name,
  allowedOrigins,
  createdAt: iso(createdAt),
});

export const answerTokens = (merchant: MerchantRecord): TokensAnswer => ({
  tokens: merchant.tokens.map(({ tokenId, name, role, createdAt }) => ({ tokenId, name, role, createdAt: iso(createdAt) })),
});
