import { AskedTogether } from '../../src/reporting/asked-together';

describe('equal questions asked at the same time', () => {
  let begun: number;
  let finish: ((end: () => void) => void)[];
  const answer = (): Promise<number> => {
    const number = ++begun;
    return new Promise((resolve, reject) => {
      void new Promise<() => void>((ended) => finish.push(ended)).then((end) => (end(), resolve(number)), reject).catch(reject);
    });
  };
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const end = async (how = (): void => undefined): Promise<void> => {
    finish.shift()!(how);
    await turn();
  };
  beforeEach(() => {
    begun = 0;
    finish = [];
  });

  it('are answered together, by what is read after all of them were asked', async () => {
    const together = new AskedTogether();
    const first = together.ask('q', answer);
    const later = [together.ask('q', answer), together.ask('q', answer)];
    expect(begun).toBe(1);
    await end();
    expect(await first).toBe(1);
    expect(begun).toBe(2);
    const latest = together.ask('q', answer);
    await end();
    expect(await Promise.all(later)).toEqual([2, 2]);
    await end();
    expect(await latest).toBe(3);
    const alone = together.ask('q', answer);
    await end();
    expect(await alone).toBe(4);
  });

  it('are not kept from an answer by one that failed before them', async () => {
    const together = new AskedTogether();
    const first = together.ask('q', answer);
    const second = together.ask('q', answer);
    const failed = expect(first).rejects.toThrow('lost');
    await end(() => {
      throw new Error('lost');
    });
    await failed;
    await end();
    expect(await second).toBe(2);
  });

  it('are apart from others', async () => {
    const together = new AskedTogether();
    const both = [together.ask('a', answer), together.ask('b', answer)];
    expect(begun).toBe(2);
    await end();
    await end();
    expect(await Promise.all(both)).toEqual([1, 2]);
  });
});
