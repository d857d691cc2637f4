import { CommandFailed } from './command-failed';

/** Reads the value of an option. @throws CommandFailed when it is no whole number, or out of bounds */
export function wholeNumber(option: string, min = 0, max = Infinity): (text: string) => number {
  return (text) => {
    const number = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
    if (number >= min && number <= max) return number;
    const allowed = max === Infinity ? 'a whole number' : `a whole number from ${min} to ${max}`;
    throw new CommandFailed(`${option} is ${JSON.stringify(text)}, allowed: ${allowed}`);
  };
}
