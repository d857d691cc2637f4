import { ErrorCodes, type Payload } from 'rsocket-core';
import { Refusal } from '../rsocket/refusal';
import type { ChannelPeer } from '../rsocket/route';

/** Batches a client may have under way on one channel. */
const CHANNEL_WINDOW = 8;

interface Slot {
  answer: Buffer | undefined;
}

/**
 * `collect` as a channel: batch by batch in, answer by answer out in the same order. A batch gives the client credit for another
 * one when its events are durable and its answer was sent, so that neither a slow log nor a slow reader lets anything pile up.
 */
export class CollectChannel implements ChannelPeer {
  private readonly slots: Slot[] = [];
  /** Answers the client has asked for. */
  private credit: number;
  /** Batches the client may still send. */
  private granted = 0;
  private isInputComplete: boolean;
  private isOver = false;

  constructor(
    first: Payload,
    initialCredit: number,
    isComplete: boolean,
    private readonly peer: ChannelPeer,
    /** Resolves with the answer; rejects with what the client is told. */
    private readonly collect: (payload: Payload) => Promise<Buffer>,
    private readonly onOver: () => void,
  ) {
    this.credit = initialCredit;
    this.isInputComplete = isComplete;
    if (!isComplete) this.grant(first.data ? CHANNEL_WINDOW - 1 : CHANNEL_WINDOW);
    if (first.data) this.take(first);
    else this.completeWhenDone();
  }

  onNext(payload: Payload, isComplete: boolean): void {
    if (this.isOver || this.isInputComplete) return;
    if (isComplete) this.isInputComplete = true;
    if (payload.data) {
      if (this.granted === 0) return this.refuse(new Refusal(ErrorCodes.INVALID, 'a batch was sent without credit for it'));
      this.granted--;
      this.take(payload);
    } else {
      this.completeWhenDone();
    }
  }

  onComplete(): void {
    this.isInputComplete = true;
    this.completeWhenDone();
  }

  onError(): void {
    this.end();
  }

  /** The client wants no more answers: what it sent stays taken. */
  cancel(): void {
    this.end();
  }

  request(credit: number): void {
    this.credit = Math.min(Number.MAX_SAFE_INTEGER, this.credit + credit);
    this.sendAnswers();
  }

  onExtension(): void {
    // No extensions are offered.
  }

  private take(payload: Payload): void {
    const slot: Slot = { answer: undefined };
    this.slots.push(slot);
    this.collect(payload).then(
      (answer) => {
        slot.answer = answer;
        this.sendAnswers();
      },
      (error: unknown) => this.refuse(error as Error),
    );
  }

  private sendAnswers(): void {
    while (!this.isOver && this.credit > 0 && this.slots[0]?.answer) {
      const { answer } = this.slots.shift()!;
      this.credit--;
      const isLast = this.isInputComplete && this.slots.length === 0;
      if (isLast) this.end();
      this.peer.onNext({ data: answer }, isLast);
      if (!isLast && !this.isInputComplete) this.grant(1);
    }
  }

  private grant(batches: number): void {
    this.granted += batches;
    this.peer.request(batches);
  }

  private completeWhenDone(): void {
    if (this.isOver || !this.isInputComplete || this.slots.length > 0) return;
    this.end();
    this.peer.onComplete();
  }

  private refuse(error: Error): void {
    if (this.isOver) return;
    this.end();
    this.peer.onError(error);
  }

  private end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.slots.length = 0;
    this.onOver();
  }
}
