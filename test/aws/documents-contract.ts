import { describe, expect, it } from 'vitest';
import type { DocumentsPort } from '../../src/model/ports.js';

/** What every {@link DocumentsPort} must do. `make` gives an empty bucket. */
export function documentsContract(name: string, make: () => Promise<DocumentsPort>): void {
  describe(`documents: ${name}`, () => {
    const etagOf = async (port: DocumentsPort, key: string): Promise<string> => (await port.get(key))?.etag ?? 'none';

    it('what is not there is undefined', async () => {
      expect(await (await make()).get('gone')).toBeUndefined();
    });

    it.each(['a', 'folder/$LATEST/open', 'né 💥+&?#%'])('%s is read as it was written', async (key) => {
      const port = await make();
      expect(await port.put(key, '{"né":"💥"}', null)).toBe(true);
      expect(await port.get(key)).toEqual({ text: '{"né":"💥"}', etag: expect.stringMatching(/^".+"$/) });
    });

    it('a new one is not written over one that is there', async () => {
      const port = await make();
      expect([await port.put('a', 'first', null), await port.put('a', 'second', null)]).toEqual([true, false]);
      expect(await port.get('a')).toMatchObject({ text: 'first' });
    });

    it('one is written over only as it was read', async () => {
      const port = await make();
      await port.put('a', 'first', null);
      const first = await etagOf(port, 'a');
      expect([await port.put('a', 'second', first), await port.put('a', 'third', first)]).toEqual([true, false]);
      expect([await port.put('gone', 'text', first), await port.get('gone')]).toEqual([false, undefined]);
      expect(await port.get('a')).toMatchObject({ text: 'second' });
    });

    it('one is deleted only as it was read', async () => {
      const port = await make();
      await port.put('a', 'first', null);
      const first = await etagOf(port, 'a');
      await port.put('a', 'second', first);
      expect([await port.remove('a', first), await port.remove('gone', first)]).toEqual([false, false]);
      expect(await port.remove('a', await etagOf(port, 'a'))).toBe(true);
      expect([await port.get('a'), await port.put('a', 'again', null)]).toEqual([undefined, true]);
    });

    it('keys are listed by their bytes, those with the prefix, without what was deleted', async () => {
      const port = await make();
      for (const key of ['p/b', 'p/a/2', 'p/A', 'p/a/1', 'q/a', 'p']) await port.put(key, 'text', null);
      await port.remove('p/a/1', await etagOf(port, 'p/a/1'));
      expect(await port.list('p/')).toEqual(['p/A', 'p/a/2', 'p/b']);
      expect(await port.list('nothing/')).toEqual([]);
    });
  });
}
