import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { RebuildState } from '../stores/records';
import type { RebuildDiff } from './diff';
import type { DiffRow, Figure } from './diff-rows';
import type { RebuildStanding } from './rebuilds';
import type { RejectRow } from './rejects';

const rebuildStates: RebuildState[] = ['building', 'caught-up', 'live', 'retired', 'cancelled', 'failed'];
const nullableText = { type: String, nullable: true } as const;
const nullableNumber = { type: Number, nullable: true } as const;

const figure = {
  oneOf: [{ type: 'number' }, { type: 'object', properties: { amount: { type: 'string' }, currency: { type: 'string' } } }],
};

export class ErasureAnswer {
  @ApiProperty() merchantId!: string;
  @ApiProperty() erased!: true;
  @ApiProperty({
    description: 'The rebuilds that count without the visitor have this settingsRevision or a later one (GET /admin/rebuilds).',
  })
  settingsRevision!: number;
}

class RunningRebuildAnswer {
  @ApiProperty() rebuildId!: string;
  @ApiProperty({ enum: rebuildStates }) state!: RebuildState;
}

export class ProjectionAnswer {
  @ApiProperty() name!: string;
  @ApiProperty({ ...nullableNumber, description: 'Of the code.' }) codeVersion!: number | null;
  @ApiProperty({ ...nullableNumber, description: 'Of what serves.' }) version!: number | null;
  @ApiProperty(nullableText) generation!: string | null;
  @ApiProperty({ enum: ['starting', 'live', 'stopped'] }) state!: 'starting' | 'live' | 'stopped';
  @ApiPropertyOptional() stopped?: string;
  @ApiProperty(nullableNumber) lagSeconds!: number | null;
  @ApiProperty({ description: 'Log records not counted yet.' }) recordsBehind!: number;
  @ApiProperty({ type: RunningRebuildAnswer, nullable: true }) rebuild!: RunningRebuildAnswer | null;
}

export class ProjectionsAnswer {
  @ApiProperty({ type: [ProjectionAnswer] }) projections!: ProjectionAnswer[];
}

export class ResetAnswer {
  @ApiProperty() rebuildId!: string;
}

class DiffRowAnswer implements DiffRow {
  @ApiProperty({ format: 'date', description: 'In the timezone of each merchant.' }) day!: string;
  @ApiProperty({ description: 'Of a goal, or of a step of a funnel: the measure, a colon and its id.' }) measure!: string;
  @ApiPropertyOptional({ enum: [true], description: 'What bots caused; otherwise what humans caused.' }) bots?: true;
  @ApiPropertyOptional({ enum: [true], description: 'One side has counted more of the day so far: the difference includes that.' })
  moving?: true;
  @ApiProperty(figure) old!: Figure;
  @ApiProperty(figure) new!: Figure;
  @ApiProperty(figure) difference!: Figure;
}

class ChangedMerchantAnswer {
  @ApiProperty() merchantId!: string;
  @ApiProperty({ description: 'Of its days and measures, how many differ.' }) differences!: number;
}

class DiffAnswer implements RebuildDiff {
  @ApiProperty({ format: 'date-time' }) comparedAt!: string;
  @ApiProperty({ description: 'False when there was more than could be compared in a few seconds.' }) complete!: boolean;
  @ApiProperty() merchantsCompared!: number;
  @ApiProperty({ description: 'Days and measures that differ, over all merchants compared.' }) total!: number;
  @ApiProperty({ type: [DiffRowAnswer], description: 'The largest differences first, at most 100.' }) rows!: DiffRowAnswer[];
  @ApiProperty({ type: [ChangedMerchantAnswer], description: 'Those with most differences first, at most 20.' })
  merchants!: ChangedMerchantAnswer[];
}

export class RebuildAnswer {
  @ApiProperty() rebuildId!: string;
  @ApiProperty() projection!: string;
  @ApiProperty() version!: number;
  @ApiProperty({ enum: rebuildStates }) state!: RebuildState;
  @ApiProperty() generation!: string;
  @ApiProperty(nullableText) previousGeneration!: string | null;
  @ApiProperty({ enum: ['automatic', 'manual'] }) promote!: 'automatic' | 'manual';
  @ApiPropertyOptional() merchantId?: string;
  @ApiPropertyOptional() from?: string;
  @ApiPropertyOptional() to?: string;
  @ApiProperty({ format: 'date-time' }) requestedAt!: string;
  @ApiPropertyOptional({ format: 'date-time' }) promotedAt?: string;
  @ApiPropertyOptional({ format: 'date-time' }) finishedAt?: string;
  @ApiPropertyOptional({ enum: ['promote', 'cancel', 'rollback'], description: 'Asked for and not carried out yet.' }) wish?: string;
  @ApiPropertyOptional() failure?: string;
  @ApiPropertyOptional({ description: 'What is lost by promoting it: the log ends before what serves was counted to.' }) warning?: string;
  @ApiPropertyOptional({ description: 'The settings the merchant is counted with.' }) settingsRevision?: number;
  @ApiProperty() eventsRead!: number;
  @ApiProperty() eventsTotal!: number;
  @ApiProperty() eventsPerSecond!: number;
  @ApiProperty(nullableNumber) secondsRemaining!: number | null;
  @ApiPropertyOptional({ type: DiffAnswer, description: 'Of one rebuild that has caught up, while what served before is kept.' })
  diff?: DiffAnswer;
}

export class RebuildsAnswer {
  @ApiProperty({ type: [RebuildAnswer], description: 'Newest first.' }) rebuilds!: RebuildAnswer[];
}

export class WishAnswer {
  @ApiProperty() rebuildId!: string;
  @ApiProperty({ enum: rebuildStates, description: 'Until the wish is carried out, a few seconds later.' }) state!: RebuildState;
  @ApiProperty({ enum: ['promote', 'cancel', 'rollback'] }) wish!: string;
}

export class PartitionAnswer {
  @ApiProperty() partition!: number;
  @ApiProperty() generation!: string;
  @ApiProperty({ ...nullableText, description: 'The worker; null while none has it.' }) owner!: string | null;
  @ApiProperty({ description: 'Log revision counted and stored; -1 before the first.' }) checkpoint!: number;
  @ApiProperty({ description: 'Newest log revision; -1 while there is none.' }) head!: number;
  @ApiProperty({ description: 'Log records between the two.' }) lag!: number;
  @ApiProperty(nullableNumber) lagSeconds!: number | null;
  @ApiPropertyOptional() stopped?: string;
}

export class PartitionsAnswer {
  @ApiProperty({ type: [PartitionAnswer] }) partitions!: PartitionAnswer[];
}

export class RejectAnswer {
  @ApiProperty() merchantId!: string;
  @ApiProperty() sourceId!: string;
  @ApiProperty({ format: 'date-time' }) receivedAt!: string;
  @ApiProperty({ description: 'Place in its batch, from 0.' }) index!: number;
  @ApiProperty(nullableText) id!: string | null;
  @ApiProperty() reason!: string;
  @ApiProperty() detail!: string;
  @ApiProperty({ description: 'The event as it was sent, without addresses and with pseudonyms of visitors.' }) original!: string;
  @ApiProperty({ description: 'Taken into the log later.' }) replayed!: boolean;
}

export class RejectsAnswer {
  @ApiProperty({ type: [RejectAnswer], description: 'Newest first.' }) rejects!: RejectAnswer[];
  @ApiProperty({ description: 'False when the search ended before the oldest reject.' }) complete!: boolean;
}

export class ReplayAnswer {
  @ApiProperty() replayed!: number;
  @ApiProperty() stillRefused!: number;
  @ApiProperty({ description: 'False when it stopped at its limit; ask again for the rest.' }) complete!: boolean;
}

const iso = (epochMs: number): string => new Date(epochMs).toISOString();

export function answerRebuild(standing: RebuildStanding): RebuildAnswer {
  const { generationId, previousGenerationId, requestedAt, promotedAt, finishedAt, timezonesAt: _inside, ...rest } = standing;
  return {
    ...rest,
    generation: generationId,
    previousGeneration: previousGenerationId,
    requestedAt: iso(requestedAt),
    ...(promotedAt === undefined ? {} : { promotedAt: iso(promotedAt) }),
    ...(finishedAt === undefined ? {} : { finishedAt: iso(finishedAt) }),
  };
}

export const answerReject = ({
  merchantId,
  sourceId,
  receivedAt,
  index,
  id,
  reason,
  detail,
  original,
  replayed,
}: RejectRow): RejectAnswer => ({
  merchantId,
  sourceId,
  receivedAt: iso(receivedAt),
  index,
  id,
  reason,
  detail,
  original,
  replayed,
});
