export interface Traffic {
  /** One more piece of it, over and over. */
  write(): Promise<void>;
  /** What a reader sees now; throws when it is less than before. */
  look(): Promise<void>;
}

/** Does something while traffic never stops, before the eyes of a reader. */
export async function whileTraffic<T>({ write, look }: Traffic, action: () => Promise<T>): Promise<T> {
  let isOver = false;
  const overAndOver = async (round: () => Promise<void>, pauseMs: number): Promise<void> => {
    while (!isOver) {
      await round();
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  };
  const writer = overAndOver(write, 3);
  const reader = overAndOver(look, 2);
  // A reader that saw less fails the test at once; one that is stopped says nothing.
  const unsettled = reader.then(() => new Promise<never>(() => undefined));
  try {
    return await Promise.race([action(), unsettled]);
  } finally {
    isOver = true;
    await Promise.all([writer, reader]);
  }
}
