import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readCodes } from '../../src/cli/code.js';
import { assemblePlan } from '../../src/cli/digest.js';
import { isDeployError } from '../../src/errors.js';
import type { Desired, LiveFunction } from '../../src/model/function.js';
import type { PlanDocument } from '../../src/model/plan.js';
import type { DeployRecord } from '../../src/model/record.js';
import { planDeploy } from '../../src/planner/deploy.js';
import { fileStore } from '../../src/record/file.js';
import { tagsStore } from '../../src/record/tags.js';
import { errorDocument, renderError } from '../../src/render/errors.js';
import { renderPlan } from '../../src/render/plan.js';
import { plain } from '../../src/render/text.js';
import { loadSpec, toDesired } from '../../src/spec/load.js';
import { FakeObjectStore } from '../aws/fakes.js';
import { archiveOf, digestOf } from './archive.js';
import { toLive, toRecord, type PlainFunction, type PlainRecord } from './live-file.js';
import { archivesIn } from './seed.js';

/** Every archive of a case is an object in it, too. */
export const BUCKET = 'artifacts';

const CASES = fileURLToPath(new URL('../cases/', import.meta.url));

/** What a case leaves out, with the reason; printed by the runner. */
export interface NotApplicable {
  /** The case is not carried out on the sandbox. */
  readonly apply?: string;
  /** The sandbox cannot even be put into this state. */
  readonly seed?: string;
  readonly rollback?: string;
}

export interface Case {
  readonly name: string;
  /** The first line of `operations.txt`, hand-written. */
  readonly operations: string;
  readonly live: Readonly<Record<string, PlainFunction>>;
  readonly records: readonly DeployRecord[];
  readonly notApplicable: NotApplicable;
  /** Names of all archives that the case mentions. */
  readonly archives: readonly string[];
}

/** Every folder of `test/cases` but the broken files of the format's own tests. */
export function caseNames(): readonly string[] {
  return readdirSync(CASES, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'invalid')
    .map(({ name }) => name)
    .sort();
}

export function casePath(name: string, file: string): string {
  return join(CASES, name, file);
}

function text(name: string, file: string): string | undefined {
  const path = casePath(name, file);
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

export function readCase(name: string): Case {
  const live = text(name, 'live.json') ?? '{}';
  const records = text(name, 'record.json') ?? '[]';
  const spec = text(name, 'lambda.deploy.yaml') ?? '';
  const [operations = '', why = ''] = (text(name, 'operations.txt') ?? '').split('\n');
  if (operations === '' || why === '') throw new Error(`${name}: operations.txt has two lines, the calls and why`);
  const named = [...spec.matchAll(/(?:zip|key): ([a-z0-9-]+)\.zip/g)].map(([, zip = '']) => zip);
  return {
    name,
    operations,
    live: JSON.parse(live) as Case['live'],
    records: (JSON.parse(records) as PlainRecord[]).map(toRecord),
    notApplicable:
      (JSON.parse(text(name, 'case.json') ?? '{}') as { notApplicable?: NotApplicable }).notApplicable ?? {},
    archives: [...new Set([...named, ...archivesIn(live), ...archivesIn(records)])],
  };
}

/** The live functions by name, the records in their tags where the case keeps them there. */
export function liveOf(one: Case, store: Desired['metadata']['store']): ReadonlyMap<string, LiveFunction> {
  return new Map(
    Object.entries(one.live).map(([name, plainFunction]) => {
      const live = toLive(name, plainFunction);
      const own = one.records.filter((record) => record.function === name);
      if (store !== 'tags' || own.length === 0) return [name, live];
      return [name, { ...live, tags: { ...live.tags, ...tagsStore(NO_CALLS).tagsFor(own, []) } }];
    }),
  );
}

const NO_CALLS = { tagResource: () => Promise.reject(new Error('a plan writes nothing')) };

/** The case as a folder that the tool can be run in: the file, its archives, its records. Removed by `remove`. */
export async function materialise(one: Case): Promise<{ cwd: string; desired: Desired; remove: () => Promise<void> }> {
  const cwd = await mkdtemp(join(tmpdir(), 'case-'));
  await writeFile(join(cwd, 'lambda.deploy.yaml'), text(one.name, 'lambda.deploy.yaml') ?? '');
  for (const name of one.archives) await writeFile(join(cwd, `${name}.zip`), archiveOf(name));
  const spec = await loadSpec({ cwd, variables: {} });
  const store = new FakeObjectStore({ [BUCKET]: false });
  for (const name of one.archives) store.put(BUCKET, `${name}.zip`, archiveOf(name), digestOf(name));
  const desired = toDesired(
    spec,
    (await readCodes(spec, { resolveDigest: () => Promise.reject(new Error('no registry')), objects: () => store }))
      .refs,
  );
  if (desired.metadata.store === 'file') {
    for (const record of one.records) {
      await mkdir(dirname(desired.metadata.directory), { recursive: true });
      await fileStore(desired.metadata.directory).close({ name: record.function, arn: '', tags: {} }, [record], []);
    }
  }
  return { cwd, desired, remove: () => rm(cwd, { recursive: true, force: true }) };
}

/** What `plan` prints for this state, as JSON and as text. */
export interface Printed {
  readonly json: string;
  readonly text: string;
  readonly operations: string;
  /** `undefined`: the plan is refused. */
  readonly document?: PlanDocument;
}

/** Plans without any I/O but reading records: the planner alone. */
export async function planPurely(desired: Desired, live: ReadonlyMap<string, LiveFunction>): Promise<Printed> {
  const { metadata } = desired;
  const store = metadata.store === 'file' ? fileStore(metadata.directory) : tagsStore(NO_CALLS);
  try {
    const planned = await Promise.all(
      desired.functions.map(async (one) => {
        const found = live.get(one.name);
        const aliases = one.aliases.length === 0 ? [null] : one.aliases.map(({ name }) => name);
        const subject = found ?? { name: one.name, arn: '', tags: {} };
        const records = (await Promise.all(aliases.map((alias) => store.list(subject, alias)))).flat();
        return planDeploy({ desired: one, live: found, records, recordsInTags: store.kind === 'tags' });
      }),
    );
    const document = assemblePlan(
      'plan',
      planned.map(({ plan }) => plan),
      planned.flatMap(({ warnings }) => warnings),
    );
    const calls = document.functions.flatMap(({ operations }) => operations.map(({ type }) => type));
    return {
      json: `${JSON.stringify(document, null, 2)}\n`,
      text: plain(renderPlan(document)),
      operations: calls.join(' ') || 'none',
      document,
    };
  } catch (error) {
    if (!isDeployError(error)) throw error;
    return {
      json: `${JSON.stringify(errorDocument(error), null, 2)}\n`,
      text: plain(renderError(error)),
      operations: `error ${error.code}`,
    };
  }
}
