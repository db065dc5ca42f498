import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { isDeployError, type Diagnostic } from '../../src/errors.js';
import { renderError } from '../../src/render/errors.js';
import { plain } from '../../src/render/text.js';
import { loadEnvironments, loadSpec } from '../../src/spec/load.js';
import { runInside } from '../e2e/support.js';

const CASES = fileURLToPath(new URL('../cases/invalid/', import.meta.url));

interface Case {
  readonly cwd: string;
  readonly variables: Readonly<Record<string, string>>;
  /** What of `LoadOptions` the case needs; absent: as `validate` does, every environment in turn. */
  readonly options?: { readonly environment?: string; readonly allow?: readonly string[] };
}

function caseOf(name: string): Case {
  const cwd = join(CASES, name);
  const read = (file: string): object | undefined =>
    existsSync(join(cwd, file)) ? (JSON.parse(readFileSync(join(cwd, file), 'utf8')) as object) : undefined;
  const options = read('options.json');
  const variables = (read('variables.json') ?? {}) as Record<string, string>;
  return { cwd, variables, ...(options === undefined ? {} : { options }) };
}

/** A finding as the case writes it down: `line:column CODE path`, then message and fix. */
function shorten({ code, location, path, message, fix, severity }: Diagnostic): Record<string, unknown> {
  const at = `${location?.line}:${location?.column} ${severity === 'warning' ? 'warning ' : ''}${code}${path ? ` ${path}` : ''}`;
  return { at, message, ...(fix === undefined ? {} : { fix }) };
}

async function refusalOf(name: string) {
  const { cwd, variables, options } = caseOf(name);
  const load = { cwd, config: 'lambda.deploy.yaml', variables, ...(options as object) };
  const loaded = options === undefined ? loadEnvironments(load) : loadSpec(load);
  const error: unknown = await loaded.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isDeployError(error)) throw error ?? new Error(`${name} was accepted`);
  return error;
}

/** What `update` writes, and a plain run compares. */
function golden(name: string, file: string, text: string): void {
  const path = join(CASES, name, file);
  if (process.env['UPDATE_CASES'] === '1') writeFileSync(path, text);
  expect(text).toBe(readFileSync(path, 'utf8'));
}

describe('a broken file is refused with every error at once', () => {
  const names = readdirSync(CASES);

  it('has all its cases', () => expect(names.length).toBeGreaterThanOrEqual(40));

  it.each(names)('%s', async (name) => {
    const error = await refusalOf(name);
    const found = error.diagnostics;
    golden(name, 'expected.json', `${JSON.stringify(found.map(shorten), null, 2)}\n`);
    const text = plain(renderError(error));
    golden(name, 'error.txt', text);
    const first = found.find(({ severity }) => severity === 'error');
    const { code, detail, fix, location } = error;
    expect([code, detail, fix, location]).toEqual([first?.code, first?.message, first?.fix, first?.location]);
    for (const one of found) expect([one.location?.file, one.fix]).toEqual(['lambda.deploy.yaml', expect.any(String)]);
    expect(text).not.toMatch(/planted|\[object|undefined|^\s+at |node_modules/m);
  });
});

describe('what `validate` prints is what the case has', () => {
  // `allow` is of the loader, for keys that no command carries out yet; a choice that is missing is no error of `validate`.
  const printed = readdirSync(CASES).filter((name) => {
    const { options } = caseOf(name);
    return options === undefined || options.environment !== undefined;
  });

  it.each(printed)('%s', async (name) => {
    const { cwd, variables: env, options } = caseOf(name);
    const argv = [
      'validate',
      '--config',
      'lambda.deploy.yaml',
      ...(options?.environment ? ['-e', options.environment] : []),
    ];
    const text = await runInside(argv, { cwd, env });
    expect([text.exitCode, text.out, text.err]).toEqual([1, '', readFileSync(join(CASES, name, 'error.txt'), 'utf8')]);
    const json = await runInside([...argv, '--format', 'json'], { cwd, env });
    const { diagnostics } = json.json() as {
      diagnostics: readonly { code: string; location: Diagnostic['location'] }[];
    };
    expect([json.exitCode, json.err]).toEqual([1, '']);
    const { diagnostics: found } = await refusalOf(name);
    expect(diagnostics.map(({ code, location }) => [code, location])).toEqual(
      found.map(({ code, location }) => [code, location]),
    );
  });
});
