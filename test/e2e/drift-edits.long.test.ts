import { isDeepStrictEqual } from 'node:util';
import { expect, it } from 'vitest';
import { functionsOf, type FunctionState } from '../../src/sandbox/state.js';
import { type Classes, type Edit, EDITS, settled, twoVersions } from './console-edits.js';
import type { Document } from './support.js';

const UNTOUCHED: Edit = { what: 'nothing', edit: () => Promise.resolve(), found: {} };
const SINCE = ['no commit', 'a commit'] as const;

// Files hold what objects hold: once, where the stores differ, shows it.
it.each([
  ...(['tags', 's3'] as const).flatMap((store) => SINCE.map((since) => [store, since] as const)),
  ['file', 'a commit'] as const,
])('every edit of the console is found and classed: records in %s, %s since', async (store, since) => {
  const { it, commit } = await twoVersions(store);
  if (since === 'a commit') await commit();
  await settled(it);
  const functions = functionsOf(it.sandbox.state, 'us-east-1');
  const kept = structuredClone(functions);
  const wrong: Document[] = [];
  for (const { what, edit, found, withCommit, of = 'hello' } of [UNTOUCHED, ...EDITS]) {
    structuredClone(kept).forEach((one: FunctionState, name) => functions.set(name, one));
    await edit(it);
    await settled(it);
    const ran = await it.run('drift', '--format', 'json');
    const { functions: all } = ran.json();
    const classes = Object.fromEntries(all.flatMap((one: Document) => classesOf(one, of))) as Classes;
    const other = of === 'hello' ? 'bare' : 'hello';
    const pending = { timeout: 'pending', [`${other}.timeout`]: 'pending' };
    const wanted =
      since === 'no commit' ? found : (withCommit?.[store === 'tags' ? 'tags' : 'whole'] ?? { ...found, ...pending });
    const exitCode = Object.values(wanted).some((one) => one === 'drift' || one === 'conflict') ? 2 : 0;
    if (!isDeepStrictEqual(classes, wanted) || ran.exitCode !== exitCode)
      wrong.push({ what, classes, wanted, exitCode: ran.exitCode, functions: all });
  }
  expect(wrong).toEqual([]);
});

function classesOf({ name, differences }: Document, of: string): [string, string][] {
  return differences.map((one: Document) => [name === of ? one['path'] : `${name}.${one['path']}`, one['class']]);
}
