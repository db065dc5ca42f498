import { DeployError, isDeployError } from '../errors.js';
import type { LiveAlias, LiveFunction, LiveVersion } from '../model/function.js';
import type { DeployRecord } from '../model/record.js';
import { chooseTarget, type RollbackTarget } from '../planner/rollback-target.js';
import { as } from '../render/text.js';
import { previousInBuild } from './build-target.js';
import type { Context } from './context.js';
import type { Session } from './session.js';

const SHOWN_VERSIONS = 8;

/**
 * Where the records say to go; where there are none, what this build's meta-data say; where they do not either, the versions that AWS has are shown, and whoever sits at a terminal is asked.
 *
 * @throws NO_ROLLBACK_TARGET, with the versions that `--to` could name
 */
export async function chooseOrAsk(
  { host, options, output, build }: Context,
  { lambda }: Session,
  live: LiveFunction,
  served: LiveAlias,
  known: readonly DeployRecord[],
): Promise<RollbackTarget> {
  const { name } = live;
  const { to, yes, planOnly } = options;
  try {
    return chooseTarget(name, served, known, typeof to === 'string' ? to : undefined);
  } catch (error) {
    if (!isDeployError(error, 'NO_ROLLBACK_TARGET')) throw error;
    if (build !== undefined && to === undefined && known.length === 0) {
      const previous = await previousInBuild(build, live, served.version);
      if (previous !== undefined) {
        const what = `version ${previous}, which ${served.name} served before version ${served.version}`;
        output.diagnostics([[as('warn', 'note: '), `no deployment is recorded; this build’s meta-data name ${what}.`]]);
        return chooseTarget(name, served, known, previous);
      }
    }
    const versions = (await lambda.listVersions(name)).slice(-SHOWN_VERSIONS).reverse();
    const isAsked =
      to === undefined && yes !== true && planOnly !== true && host.isTerminal.stdin && host.isTerminal.stderr;
    if (!isAsked || versions.length === 0) throw withVersions(error, name, versions);
    output.diagnostics([
      [error.detail],
      ['The versions that AWS has, newest first:'],
      ...versions.map((one) => [`  ${described(one)}${one.version === served.version ? '  (live)' : ''}`]),
    ]);
    const answer = (await host.ask('Go to which version? ')).trim();
    if (versions.some(({ version }) => version === answer)) return chooseTarget(name, served, known, answer);
    throw withVersions(error, name, versions);
  }
}

function withVersions(error: DeployError, subject: string, versions: readonly LiveVersion[]): DeployError {
  const fix =
    versions.length === 0
      ? 'no version is published.'
      : `say where to go with --to VERSION; AWS has ${versions.map(described).join('; ')}.`;
  return new DeployError(error.code, error.detail, { subject, fix });
}

/** When it was published, and what that deployment said of itself. */
function described({ version, lastModified, description }: LiveVersion): string {
  const words = description === '' ? '' : ` ${description}`;
  return `${version} (${lastModified}${words})`;
}
