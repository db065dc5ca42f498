import pLimit from 'p-limit';
import { DeployError } from '../errors.js';
import { LATEST, type LiveFunction, type LiveVersion, type Version } from '../model/function.js';
import type { LambdaPort } from '../model/ports.js';

/** How often the parallel reads may disagree before somebody must be moving the alias all the time. */
const ROUNDS = 5;

/** Candidates read side by side. GetFunction allows 100 a second in an account and region. */
const PARALLEL_READS = 8;

type Reader = Pick<LambdaPort, 'getFunction' | 'listAliases' | 'getFunctionCodeSigningConfig'>;

/**
 * A function as AWS has it now: `$LATEST`, tags, every alias, and the versions behind the wanted aliases, additional ones of a
 * split included. Three parallel reads for one alias, and one more for the code signing where it is wanted; they agree with each other. `undefined`: the function does not exist.
 *
 * @throws AWS_CONFLICT when an alias kept moving between the reads; what the port throws
 */
export async function readLive(
  lambda: Reader,
  name: string,
  want: { readonly aliases: readonly string[]; readonly codeSigning?: boolean },
): Promise<LiveFunction | undefined> {
  let moving: readonly string[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const [latest, aliases, signing, ...served] = await Promise.all([
      lambda.getFunction(name),
      lambda.listAliases(name),
      want.codeSigning === true ? lambda.getFunctionCodeSigningConfig(name) : undefined,
      ...want.aliases.map((alias) => lambda.getFunction(name, alias)),
    ]);
    if (latest === undefined && aliases === undefined) return undefined;
    const wanted = want.aliases.map((alias) => aliases?.find((listed) => listed.name === alias));
    moving = want.aliases.filter((_, at) => wanted[at]?.version !== served[at]?.version.version);
    if (latest === undefined || aliases === undefined || moving.length > 0) continue;
    const read = served.flatMap((one) => (one === undefined ? [] : [one.version]));
    const weighted = wanted.flatMap((alias) => Object.keys(alias?.weights ?? {}));
    const versions = distinct([...read, ...(await readNumbers(lambda, name, weighted, read))]);
    const { reservedConcurrentExecutions: reserved } = latest;
    const own = {
      ...(signing === undefined ? {} : { codeSigningConfigArn: signing }),
      ...(reserved === undefined ? {} : { reservedConcurrentExecutions: reserved }),
    };
    return { name, arn: latest.arn, latest: latest.version, aliases, versions, tags: latest.tags, ...own };
  }
  const what =
    moving.length === 0
      ? `function ${name} appears and disappears`
      : `alias ${moving.join(', ')} of ${name} keeps moving`;
  throw new DeployError('AWS_CONFLICT', `${what}: ${ROUNDS} reads in a row did not agree.`, {
    source: 'aws',
    subject: name,
    fix: 'wait until the other deployment is done, then run again.',
  });
}

/**
 * The published versions that could be used again, oldest first, each read by number because a listing has no State.
 * `isCandidate` sees the listed version; what `alreadyRead` holds is not read twice. A version that was deleted between the
 * listing and its read is left out.
 *
 * @throws what the port throws
 */
export async function readVersions(
  lambda: Pick<LambdaPort, 'getFunction' | 'listVersions'>,
  name: string,
  isCandidate: (version: LiveVersion) => boolean,
  alreadyRead: readonly LiveVersion[],
): Promise<readonly LiveVersion[]> {
  const listed = await lambda.listVersions(name);
  const numbers = listed.filter((version) => isCandidate(version)).map(({ version }) => version);
  const fresh = await readNumbers(lambda, name, numbers, alreadyRead);
  const known = [...alreadyRead, ...fresh];
  return numbers.flatMap((number) => known.find(({ version }) => version === number) ?? []);
}

async function readNumbers(
  lambda: Pick<LambdaPort, 'getFunction'>,
  name: string,
  numbers: readonly Version[],
  alreadyRead: readonly LiveVersion[],
): Promise<readonly LiveVersion[]> {
  const missing = [...new Set(numbers)].filter((number) => alreadyRead.every(({ version }) => version !== number));
  const limit = pLimit(PARALLEL_READS);
  const reads = await Promise.all(missing.map((number) => limit(() => lambda.getFunction(name, number))));
  return reads.flatMap((read) => (read === undefined ? [] : [read.version]));
}

/** One of each number; an alias on `$LATEST` shows what the function itself shows. */
function distinct(versions: readonly LiveVersion[]): readonly LiveVersion[] {
  const byNumber = new Map(versions.map((version) => [version.version, version]));
  byNumber.delete(LATEST);
  return [...byNumber.values()];
}
