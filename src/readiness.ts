/** What must hold before a process takes traffic. Roles register checks; /health/ready asks them all. */
export class Readiness {
  private readonly checks = new Map<string, ReadinessCheck>();

  register(name: string, check: ReadinessCheck): void {
    this.checks.set(name, check);
  }

  async ask(): Promise<Record<string, ReadinessAnswer>> {
    const names = [...this.checks.keys()];
    const answers = await Promise.all(names.map((name) => this.checks.get(name)!()));
    return Object.fromEntries(names.map((name, i) => [name, answers[i]!]));
  }
}

export type ReadinessCheck = () => Promise<ReadinessAnswer> | ReadinessAnswer;
/** `detail` says what is wrong and, where someone can act, what to do. */
export type ReadinessAnswer = { ok: true; detail?: string } | { ok: false; detail: string };
