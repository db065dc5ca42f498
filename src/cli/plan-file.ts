import { readFile } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { readBundle, writeBundle, type Bundle } from '../code/bundle.js';
import { DeployError } from '../errors.js';
import type { CodeRef } from '../model/function.js';
import type { PlanFile, PlanInputs } from '../model/plan.js';
import validate from '../spec/generated/validate-plan.js';
import type { LoadedSpec } from '../spec/load.js';
import { environmentsRegion } from './build-scope.js';
import type { Codes } from './code.js';
import { VERSION, type Context } from './context.js';
import { withInputs } from './digest.js';
import type { Planning } from './planning.js';

/** A plan file as it was read. */
export interface OpenPlan {
  readonly file: PlanFile;
  readonly codes: Codes;
}

/**
 * Writes a plan with all that it was made from, the archives of the file's own code among it (semantics 27).
 *
 * @returns the document as it stands in the file; its digest is the one that `apply --expect` takes
 * @throws FILE_NOT_WRITTEN, ARCHIVE_NOT_WRITTEN
 */
export async function writePlanFile(
  { host, options }: Context,
  path: string,
  spec: LoadedSpec,
  { document, codes, jobs }: Planning,
): Promise<PlanFile> {
  const unknown = jobs.flatMap(({ desired: { name, unknownVariables = {} } }): [string, string[]][] => {
    const names = Object.keys(unknownVariables).sort();
    return names.length === 0 ? [] : [[name, names]];
  });
  const { region: there } = environmentsRegion(host, spec);
  const inputs: PlanInputs = {
    file: relative(host.cwd, spec.file),
    text: spec.text,
    ...(Object.keys(spec.payloads).length === 0 ? {} : { payloads: spec.payloads }),
    variables: spec.variables,
    ...(spec.environment === undefined ? {} : { environment: spec.environment }),
    ...(spec.region === undefined ? {} : { region: spec.region }),
    ...(options.region === undefined ? {} : { regionChosen: true }),
    ...(there === undefined ? {} : { environmentsRegion: there }),
    functions: options.function,
    aliases: options.alias,
    codes: Object.fromEntries(codes.refs),
    unknown: Object.fromEntries(unknown),
  };
  const file: PlanFile = withInputs({ ...document, inputs, toolVersion: VERSION });
  const archives = [...codes.paths].map(([key, from]) => [hexOf(codes.refs.get(key)), from] as const);
  await writeBundle(resolve(host.cwd, path), `${JSON.stringify(file, null, 2)}\n`, new Map(archives));
  return file;
}

/**
 * Reads a plan file and proves that it is whole: its digest is that of its content, and its archives are those that were planned.
 *
 * @param expect the digest that was approved
 * @throws PLAN_FILE; PLAN_STALE when it is another plan than the approved one
 */
export async function readPlanFile({ host }: Context, path: string, expect: string | undefined): Promise<OpenPlan> {
  const bundle = await readBundle(resolve(host.cwd, path));
  try {
    const file = parse(path, bundle.document);
    if (withInputs(file).digest !== file.digest) throw unusable(path, 'is not what its digest says: it was changed');
    if (expect !== undefined && expect !== file.digest) {
      throw new DeployError('PLAN_STALE', `${path} has the digest ${file.digest}, approved was ${expect}.`, {
        fix: 'apply the plan file of the build that was approved.',
      });
    }
    return { file, codes: codesOf(path, file, bundle) };
  } catch (error) {
    await bundle.remove();
    throw error;
  }
}

function parse(path: string, text: string): PlanFile {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw unusable(path, 'holds no JSON');
  }
  const { formatVersion } = (document ?? {}) as { formatVersion?: unknown };
  if (typeof formatVersion === 'string' && formatVersion !== '1')
    throw unusable(path, `has format ${formatVersion}, which this lambda-deploy (${VERSION}) does not read`);
  if (validate(document) && typeof document === 'object' && document !== null && 'inputs' in document)
    return document as PlanFile;
  const [first] = validate.errors ?? [];
  throw unusable(
    path,
    `is no plan file${first === undefined ? '' : ` (${first.instancePath} ${first.message ?? ''})`}`,
  );
}

/** Code comes from the plan file and from nowhere else. */
function codesOf(path: string, { inputs }: PlanFile, { archives, remove }: Bundle): Codes {
  const refs = new Map(Object.entries(inputs.codes));
  const local = [...refs].flatMap(([key, ref]): [string, string][] => {
    const archive = archives.get(hexOf(ref));
    return archive === undefined ? [] : [[key, archive]];
  });
  const paths = new Map(local);
  const archiveOf = (key: string): string => {
    const found = paths.get(key);
    if (found === undefined) throw unusable(path, `does not hold the code of ${key}`);
    return found;
  };
  return {
    refs,
    paths,
    warnings: [],
    payload: async (key) => {
      const ref = refs.get(key);
      return ref?.kind === 'image' ? { imageUri: ref.imageUri } : { zip: await readFile(archiveOf(key)) };
    },
    archive: (key) => {
      const ref = refs.get(key);
      if (ref?.kind !== 'zip') throw unusable(path, `does not hold the code of ${key}`);
      return Promise.resolve({ path: archiveOf(key), bytes: ref.zipBytes, sha256: ref.codeSha256 });
    },
    close: remove,
  };
}

/** An archive's name in the file: its digest in hex. */
function hexOf(ref: CodeRef | undefined): string {
  return ref?.kind === 'zip' ? Buffer.from(ref.codeSha256, 'base64').toString('hex') : '';
}

function unusable(path: string, why: string): DeployError {
  return new DeployError('PLAN_FILE', `the plan file ${path} ${why}.`, {
    fix: 'make one with lambda-deploy plan --out FILE, and hand it over unchanged.',
  });
}
