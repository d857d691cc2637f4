import { type ErrorCodes, RSocketError } from 'rsocket-core';

/**
 * An error the client is sent with its code. rsocket-core is compiled to ES5, where a subclass of Error loses its prototype, and
 * then asks `instanceof RSocketError` to find out whether there is a code: without the repair every error is an APPLICATION_ERROR.
 */
export class Refusal extends RSocketError {
  constructor(code: ErrorCodes, message: string) {
    super(code, message);
    Object.setPrototypeOf(this, new.target.prototype);
  }
}
