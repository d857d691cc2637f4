/** Why a question has no answer. Expected, so a value; the controllers give each its status. */
export type Unanswered = Refused | NoSuchMerchant | NoSuchFunnel | NotCounting;

/** The question cannot be answered as asked: which parameter, and what is allowed. 400. */
export interface Refused {
  readonly unanswered: 'refused';
  readonly parameter: string;
  readonly detail: string;
}
/** 404. */
export interface NoSuchMerchant {
  readonly unanswered: 'no-such-merchant';
  readonly detail: string;
}
/** 404. */
export interface NoSuchFunnel {
  readonly unanswered: 'no-such-funnel';
  readonly detail: string;
}
/** No generation serves the projection yet: the workers of a new installation have not started. 503, worth asking again. */
export interface NotCounting {
  readonly unanswered: 'not-counting';
  readonly detail: string;
}

export const refused = (parameter: string, detail: string): Refused => ({ unanswered: 'refused', parameter, detail });

export function isUnanswered<T extends object>(answer: T | Unanswered): answer is Unanswered {
  return 'unanswered' in answer;
}
