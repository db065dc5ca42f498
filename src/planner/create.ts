import { DeployError } from '../errors.js';
import type { DesiredFunction, Settings } from '../model/function.js';
import type { Json } from '../model/json.js';
import type { Difference, FunctionPlan, Operation } from '../model/plan.js';
import { aliasStep, checkSteps, pinned, shown } from './aliases.js';
import { refuseLargeEnvironment } from './environment-size.js';
import { effectsOf } from './explain.js';
import { sending, uploadsFor } from './code.js';
import { variableChange } from './latest.js';
import { publishStep } from './moves.js';
import { normalizeSettings, normalizeValue, settingField, type Content } from './normalize.js';
import { refuseTooMany } from './tags.js';

/** What a create from an archive needs besides its name; an image brings all but the role. @see https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html */
const REQUIRED = ['role', 'runtime', 'handler'] as const;

/**
 * The plan of a function that AWS does not have: create, publish, check, make the aliases.
 *
 * @throws CREATE_INCOMPLETE naming everything that is missing, at once
 * @throws ENVIRONMENT_TOO_LARGE
 * @throws VERSION_NOT_FOUND when an alias is pinned to a number
 */
export function planCreate(desired: DesiredFunction, recordsInTags: boolean): { plan: FunctionPlan; target: Content } {
  const code = requireComplete(desired);
  refuseTooMany(desired, {}, recordsInTags);
  const target = newContent(desired, code.codeSha256);
  refuseLargeEnvironment(desired, target);
  const settings: Record<string, Json> = {};
  for (const [key, value] of Object.entries(desired.settings)) {
    const normal = value === undefined ? undefined : normalizeValue(settingField(key), value, desired.name);
    if (normal !== undefined) settings[key] = normal;
  }
  const empty: Content = { ...target, environment: {} };
  const tags = Object.fromEntries(
    Object.entries(desired.tags).filter((entry): entry is [string, string] => entry[1] !== null),
  );
  const body: Operation[] = [
    {
      type: 'CreateFunction',
      reason: 'the function does not exist',
      settings: settings as Settings,
      ...(desired.environment === undefined || desired.environment === null
        ? {}
        : { environment: variableChange({ ...desired, ignoreChanges: [] }, empty, target) }),
      codeSha256: code.codeSha256,
      ...sending(code),
      tags,
      ...(typeof desired.codeSigningConfigArn === 'string'
        ? { codeSigningConfigArn: desired.codeSigningConfigArn }
        : {}),
    },
    ...newAliases(desired, target),
    ...(recordsInTags
      ? [{ type: 'TagResource', record: 'close', reason: 'close the deployment record' } as const]
      : []),
  ];
  const operations = [...uploadsFor(body, code.kind === 'zip' ? code : undefined), ...body];
  const differences = newDifferences(desired, settings);
  const plan = {
    name: desired.name,
    ...(desired.region === undefined ? {} : { region: desired.region }),
    action: 'create',
    differences,
    alsoGoesLive: [],
    operations,
    effects: effectsOf(desired.name, operations),
    unmanagedAliases: [],
    specDigest: desired.specDigest,
  } as const;
  return { plan, target };
}

function newAliases(desired: DesiredFunction, target: Content): Operation[] {
  const releasing = desired.aliases.filter(({ version }) => version === undefined);
  const release = { published: 'release' } as const;
  return [
    ...(releasing.length > 0 ? [publishStep(desired, target, { ref: release })] : []),
    ...releasing.flatMap((alias) => checkSteps(alias, release)),
    ...desired.aliases.flatMap((alias) => {
      const goal = pinned(desired, alias, undefined) ?? release;
      const create = aliasStep({ desired: alias, live: undefined, served: undefined, carries: false }, goal, undefined);
      const after = shown(goal) === '$LATEST' ? [] : checkSteps(alias, { alias: alias.name });
      return [...(create === undefined ? [] : [create]), ...after];
    }),
  ];
}

/** Everything that the file names, each as an addition. */
function newDifferences(desired: DesiredFunction, settings: Readonly<Record<string, Json>>): Difference[] {
  const reason = 'the function does not exist';
  const added = (path: string, after: Json, on = '$LATEST'): Difference => ({ path, on, before: null, after, reason });
  return [
    ...Object.entries(settings).map(([key, value]) => added(key, value)),
    ...Object.keys(desired.environment ?? {}).map((name): Difference => ({
      ...added(`environment.${name}`, '(set)'),
      sensitive: true,
    })),
    ...(desired.code === undefined ? [] : [added('code', desired.code.codeSha256)]),
    ...(desired.code?.kind === 'zip' && desired.code.sourceKmsKeyArn !== undefined
      ? [added('code.sourceKmsKeyArn', desired.code.sourceKmsKeyArn)]
      : []),
    ...(typeof desired.codeSigningConfigArn === 'string'
      ? [added('codeSigningConfigArn', desired.codeSigningConfigArn, 'function')]
      : []),
    ...Object.entries(desired.tags).flatMap(([key, value]) =>
      value === null ? [] : [added(`tags.${key}`, value, 'function')],
    ),
    ...desired.aliases.map(({ name, version }) => added(`aliases.${name}`, version ?? 'new version', `alias ${name}`)),
  ];
}

function newContent(desired: DesiredFunction, codeSha256: string): Content {
  return {
    settings: normalizeSettings(desired.settings, desired.name),
    environment: desired.environment ?? {},
    codeSha256,
  };
}

function requireComplete(desired: DesiredFunction): NonNullable<DesiredFunction['code']> {
  const required = desired.code?.kind === 'image' ? (['role'] as const) : REQUIRED;
  const missing: string[] = required.filter((key) => desired.settings[key] === undefined);
  if (desired.code !== undefined && missing.length === 0) return desired.code;
  const names = [...(desired.code === undefined ? ['code'] : []), ...missing];
  throw new DeployError(
    'CREATE_INCOMPLETE',
    `function ${desired.name} does not exist, and to create it the file must also say: ${names.join(', ')}.`,
    {
      subject: desired.name,
      fix: `add ${names.join(', ')} to functions.${desired.key}, or check name, region and account if the function should exist.`,
    },
  );
}
