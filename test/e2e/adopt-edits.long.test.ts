import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { diffLines } from 'diff';
import { describe, expect, it } from 'vitest';
import { EDITS, settled, type Store, twoVersions } from './console-edits.js';
import type { Document, Stage } from './support.js';

const text = ({ folder }: Stage): Promise<string> => readFile(join(folder, 'lambda.deploy.yaml'), 'utf8');

/** Keys that stand in lines which came or went. */
function keysOfChangedLines(before: string, after: string): readonly string[] {
  const lines = diffLines(before, after).flatMap(({ added, removed, value }) => (added || removed ? [value] : []));
  return [...lines.join('').matchAll(/^ *([\w.]+):/gm)].map(([, key = '']) => key);
}

describe.each<Store>(['tags', 's3'])('what the console changed is adopted and published: records in %s', (store) => {
  it.each(EDITS)('$what: nothing is left to plan', async ({ edit, found, left = [], of = 'hello' }) => {
    const { it: own } = await twoVersions(store);
    await settled(own);
    await edit(own);
    await settled(own);
    const before = await text(own);
    const ran = await own.run('drift', '--adopt', '--publish', '--yes', '--format', 'json');
    const function_ = ran.json().functions.find((one: Document) => one['name'] === of);
    expect(function_.left.map((one: Document) => one['path'])).toEqual(left);
    expect(ran.exitCode, ran.out + ran.err).toBe(left.length === 0 ? 0 : 2);
    const moved = Object.entries(found).flatMap(([path, who]) => (who === 'drift' ? [path] : []));
    expect(function_.adopted.toSorted()).toEqual(moved.filter((path) => !left.includes(path)).toSorted());
    const allowed = new Set(moved.flatMap((path) => path.split('.')));
    expect(keysOfChangedLines(before, await text(own)).filter((key) => !allowed.has(key))).toEqual([]);
    if (left.length > 0) return;
    const [plan, drift] = [await own.run('plan', '--detailed-exitcode'), await own.run('drift')];
    expect([plan.exitCode, plan.out, drift.exitCode]).toEqual([0, expect.stringContaining('No changes.'), 0]);
  });
});
