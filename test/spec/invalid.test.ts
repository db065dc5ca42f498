import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { isDeployError, type Diagnostic } from '../../src/errors.js';
import { loadEnvironments, loadSpec } from '../../src/spec/load.js';

const CASES = fileURLToPath(new URL('../cases/invalid/', import.meta.url));

/** A finding as the case writes it down: `line:column CODE path`, then message and fix. */
function shorten({ code, location, path, message, fix, severity }: Diagnostic): Record<string, unknown> {
  const at = `${location?.line}:${location?.column} ${severity === 'warning' ? 'warning ' : ''}${code}${path ? ` ${path}` : ''}`;
  return { at, message, ...(fix === undefined ? {} : { fix }) };
}

async function refusalOf(name: string): Promise<readonly Diagnostic[]> {
  const cwd = join(CASES, name);
  const given = (file: string) => existsSync(join(cwd, file));
  const read = (file: string) => (given(file) ? (JSON.parse(readFileSync(join(cwd, file), 'utf8')) as object) : {});
  const variables = read('variables.json') as Record<string, string>;
  const options = { cwd, config: 'lambda.deploy.yaml', variables, ...read('options.json') };
  // Without options, as `validate` does: every environment in turn.
  const loaded = given('options.json') ? loadSpec(options) : loadEnvironments(options);
  const error: unknown = await loaded.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isDeployError(error)) throw error ?? new Error(`${name} was accepted`);
  const first = error.diagnostics.find(({ severity }) => severity === 'error');
  expect([error.code, error.detail, error.fix, error.location]).toEqual([
    first?.code,
    first?.message,
    first?.fix,
    first?.location,
  ]);
  return error.diagnostics;
}

describe('a broken file is refused with every error at once', () => {
  const names = readdirSync(CASES);

  it('has all its cases', () => expect(names.length).toBeGreaterThanOrEqual(40));

  it.each(names)('%s', async (name) => {
    const expected: unknown = JSON.parse(readFileSync(join(CASES, name, 'expected.json'), 'utf8'));
    const found = await refusalOf(name);
    expect(found.map(shorten)).toEqual(expected);
    for (const { location } of found) expect(location?.file).toBe('lambda.deploy.yaml');
    expect(JSON.stringify(found)).not.toMatch(/planted|\[object|undefined/);
  });
});
