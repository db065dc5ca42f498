import type { Version } from '../model/function.js';
import type { Clock } from '../model/ports.js';
import type { VersionUse } from '../model/prune.js';
import { withReader, type Reader } from './attached.js';
import type { AwsOptions } from './client.js';

/** What hangs on some published versions of a function; nothing is asked where there are none. */
export type ReadVersionUses = (name: string, versions: readonly Version[]) => Promise<readonly VersionUse[]>;

/**
 * GetPolicy has a quota of its own, fifteen a second for the whole account, and is asked ten times at most.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
const POLICIES_AT_ONCE = 5;
const BATCH_MS = 500;

/**
 * Reads what hangs on versions by their number. AWS lists all of it but policies: those are one call a version. The event sources
 * of the region are listed once, for every function that is asked for.
 *
 * @throws AWS_ACCESS_DENIED naming the permission, AWS_*
 */
export function versionUses(options: AwsOptions, clock: Clock): ReadVersionUses {
  let targets: Promise<readonly string[]> | undefined;
  return async (name, versions) => {
    if (versions.length === 0) return [];
    return withReader(options, async (reader) => {
      targets ??= reader.eventSourceTargets();
      const [configs, provisioned, sources] = await Promise.all([
        reader.invokeConfigs(name),
        reader.provisioned(name),
        targets,
      ]);
      const own = sources.map((arn) => arn.split(':')).filter((parts) => parts[6] === name);
      const found: Readonly<Record<VersionUse['kind'], readonly (string | null | undefined)[]>> = {
        eventInvokeConfig: configs.map(({ on }) => on),
        eventSources: own.map((parts) => parts[7]),
        policy: await withPolicy(reader, name, versions, { clock, signal: options.stop }),
        provisionedConcurrency: provisioned,
      };
      const kinds = Object.keys(found) as VersionUse['kind'][];
      return versions.flatMap((version) =>
        kinds.flatMap((kind): VersionUse[] => (found[kind].includes(version) ? [{ version, kind }] : [])),
      );
    });
  };
}

async function withPolicy(
  reader: Reader,
  name: string,
  versions: readonly Version[],
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal | undefined },
): Promise<readonly Version[]> {
  const found: Version[] = [];
  let next = clock.now();
  for (let start = 0; start < versions.length; start += POLICIES_AT_ONCE) {
    await clock.sleep(Math.max(0, next - clock.now()), signal);
    next = clock.now() + BATCH_MS;
    const some = versions.slice(start, start + POLICIES_AT_ONCE);
    const statements = await Promise.all(some.map((version) => reader.permissions(name, version)));
    found.push(...some.filter((_, index) => (statements[index] ?? []).length > 0));
  }
  return found;
}
