/** RFC 9457: the body of every refusal over HTTP, as `application/problem+json`. */
export interface Problem {
  /** A stable name for the kind of problem, `about:blank` where the status says it all. */
  type: string;
  /** The same for every problem of this type. */
  title: string;
  status: number;
  /** For people: names the value that was refused and what is allowed. */
  detail: string;
  /** The path that was asked. */
  instance: string;
  /** One entry a refused field. */
  errors?: ProblemError[];
}

export interface ProblemError {
  field: string;
  detail: string;
}

export const problemMediaType = 'application/problem+json';
