/** Epoch ms. Time is an argument: tests stop it, and one answer uses one reading of it. */
export type Clock = () => number;
export const CLOCK = Symbol('Clock');
