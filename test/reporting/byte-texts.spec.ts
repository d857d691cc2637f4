import fc from 'fast-check';
import { ByteTexts } from '../../src/reporting/byte-texts';

describe('texts by their bytes', () => {
  it('are what the bytes say, whichever were read before', () => {
    const texts = new ByteTexts();
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string({ maxLength: 6 }), fc.string({ unit: 'binary', maxLength: 6 })), { maxLength: 50 }),
        (list) => {
          for (const text of list) {
            const bytes = Buffer.from(`<${text}>`);
            expect(texts.textOf(bytes, 1, bytes.length - 1)).toBe(bytes.toString('utf8', 1, bytes.length - 1));
          }
        },
      ),
      { numRuns: 300, seed: 9 },
    );
  });

  it('stay right when there are more than are remembered', () => {
    const texts = new ByteTexts();
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 70_000; i++) {
        const bytes = Buffer.from(`/p/${i}`);
        if (texts.textOf(bytes, 0, bytes.length) !== `/p/${i}`) throw new Error(`/p/${i} became another text`);
      }
    }
  });
});
