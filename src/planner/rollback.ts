import { DeployError } from '../errors.js';
import {
  isUnreadable,
  type ArchiveRef,
  type DesiredAlias,
  type LiveAlias,
  type LiveFunction,
  type LiveVersion,
  type ObjectRef,
  type Variables,
  type Version,
} from '../model/function.js';
import type { Json } from '../model/json.js';
import { MAX_ZIP_BYTES } from '../model/limits.js';
import type { Difference, FunctionPlan, Operation, VersionRef, Warning } from '../model/plan.js';
import { checkSteps, placeOf, shown } from './aliases.js';
import { diffContent, type PathDifference } from './compare.js';
import { recorded, type PlannedFunction } from './deploy.js';
import { effectsOf, tagDifferences, unknownUntilApply } from './explain.js';
import { inOrder, variableChange } from './latest.js';
import { contentOf, type Content } from './normalize.js';
import { restoreTags } from './restore-tags.js';
import { sending, uploadsFor } from './code.js';
import type { RollbackTarget } from './rollback-target.js';

export interface RollbackInput {
  readonly name: string;
  readonly alias: DesiredAlias;
  readonly live: LiveFunction;
  /** The version to go back to, as it is in AWS. */
  readonly version: LiveVersion;
  readonly target: RollbackTarget;
  /** Where the version's archive goes through, should it be over the limit of a request; absent: the file names no bucket. */
  readonly object?: ObjectRef;
  readonly recordsInTags: boolean;
  /** Today's values of variables that the version has frozen: then its content is published again with them. Absent: it serves itself. */
  readonly fresh?: Variables;
  /** The Failed version that has the content already: the code is sent again, and the new number must be higher (semantics 6). */
  readonly above?: Version;
}

/**
 * Service before tidiness (semantics 22, 23): the version is checked by number, the alias moves and its weights are cleared, and
 * only then `$LATEST` gets the version's configuration and code, and the function its tags. With `fresh` `$LATEST` comes first, because
 * what serves is published from it.
 *
 * @throws VERSION_NOT_FOUND when the version is Failed; NO_ROLLBACK_TARGET when AWS contradicts the record; ZIP_TOO_LARGE when the
 *   version's archive would have to go through S3 and there is no bucket for it
 */
export function planRollback(input: RollbackInput): PlannedFunction {
  const { name, alias, live, version, target } = input;
  if (version.state === 'Failed') {
    throw new DeployError('VERSION_NOT_FOUND', `version ${version.version} of ${name} is Failed and cannot serve.`, {
      subject: name,
      fix: 'choose another one with --to VERSION.',
    });
  }
  if (version.version === target.version) refuseForeign(name, version, target);
  const current = contentOf(live.latest, name);
  const content = contentAfter(input);
  // Variables that AWS shows neither here nor there stay as they are.
  const found = diffContent(current, content).filter(
    ({ path }) => path !== 'environment' || content.environment !== current.environment,
  );
  const served = live.aliases.find((candidate) => candidate.name === alias.name);
  const resumes = target.resumes === true;
  const goal: VersionRef = input.fresh === undefined ? { number: version.version } : { published: 'release' };
  const shift = shiftSteps(alias, served, goal, resumes);
  const latest = latestSteps(input, current, content, found);
  const tags = restoreTags(live, target);
  const body =
    input.fresh === undefined
      ? [...shift, ...latest, ...tags]
      : [...latest, publishStep(version, content, input.above), ...shift, ...tags];
  // The record that did not end well is followed by one that does.
  const isNothing = body.length === 0 && !resumes;
  const differences: Difference[] = [
    ...(served === undefined || ('number' in goal && goal.number === served.version)
      ? []
      : [
          {
            path: `aliases.${alias.name}.version`,
            on: `alias ${alias.name}`,
            before: served.version,
            after: shown(goal),
            reason: reasonOf(target),
          },
        ]),
    ...found.map((difference) => ({
      ...difference,
      on: '$LATEST',
      reason: `$LATEST is not as version ${version.version}`,
    })),
    ...tagDifferences(live, tags),
  ];
  const plan: FunctionPlan = {
    name,
    action: isNothing ? 'none' : 'update',
    differences,
    alsoGoesLive: [],
    operations: input.recordsInTags && !isNothing ? recorded(body) : body,
    effects: effectsOf(name, body),
    unmanagedAliases: live.aliases
      .map((other) => other.name)
      .filter((other) => other !== alias.name)
      .sort(),
    specDigest: target.record?.specDigest ?? '',
  };
  return {
    plan,
    target: content,
    warnings: [...warningsOf(name, version, target), ...unknownUntilApply({ name, aliases: [alias] })],
  };
}

/** Which deployment it is, so that whoever is asked knows where they go. */
function reasonOf({ record }: RollbackTarget): string {
  if (record === undefined) return 'rollback to a version without a record';
  const { startedAt, commit, build } = record;
  const details = [
    ...(commit === undefined ? [] : [`commit ${commit.slice(0, 8)}`]),
    ...(build === undefined ? [] : [`build ${build}`]),
  ];
  return [`rollback to the deployment of ${startedAt.slice(0, 16)}Z`, ...details].join(', ');
}

/** Anybody may write a tag, and a function may have been made anew: a record that AWS contradicts is not believed. */
function refuseForeign(name: string, version: LiveVersion, { record, named }: RollbackTarget): void {
  const recordedCode = record?.codeSha256 ?? null;
  if (named === true || recordedCode === null || version.codeSha256.startsWith(recordedCode)) return;
  const detail = `the record says that version ${version.version} of ${name} has the code ${recordedCode}, but AWS has ${version.codeSha256}.`;
  throw new DeployError('NO_ROLLBACK_TARGET', detail, {
    subject: name,
    fix: 'look at the versions in AWS, then name one with --to VERSION.',
  });
}

/** What `$LATEST` is afterwards: the version's content; the function's own description and what AWS does not show stay as they are. */
export function contentAfter({
  name,
  live,
  version,
  fresh = {},
}: Pick<RollbackInput, 'name' | 'live' | 'version' | 'fresh'>): Content {
  const [current, old] = [contentOf(live.latest, name), contentOf(version, name)];
  const description = current.settings.description ?? '';
  return {
    settings: { ...old.settings, description },
    environment: isUnreadable(version.environment) ? current.environment : { ...version.environment, ...fresh },
    codeSha256: version.codeSha256,
  };
}

function publishStep({ version, description }: LiveVersion, { codeSha256 }: Content, above?: Version): Operation {
  const reason = `version ${version} again, with today’s secrets`;
  const failed = above === undefined ? {} : { above };
  return { type: 'PublishVersion', reason, purpose: 'release', description, codeSha256, ...failed };
}

function shiftSteps(alias: DesiredAlias, served: LiveAlias | undefined, to: VersionRef, resumes: boolean): Operation[] {
  if (served === undefined) {
    return [
      ...checkSteps(alias, to),
      { type: 'CreateAlias', reason: 'the alias does not exist', alias: alias.name, version: to },
    ];
  }
  // The run that moved it did not end, perhaps before it had asked the alias.
  if ('number' in to && served.version === to.number && Object.keys(served.weights).length === 0)
    return resumes ? checkSteps(alias, { alias: alias.name }) : [];
  return [
    ...checkSteps(alias, to),
    {
      type: 'UpdateAlias',
      reason: `from ${served.version} to ${shown(to)}`,
      alias: alias.name,
      from: placeOf(served),
      version: to,
    },
    ...checkSteps(alias, { alias: alias.name }),
  ];
}

function latestSteps(
  { name, live, version, object, above }: RollbackInput,
  current: Content,
  content: Content,
  found: readonly PathDifference[],
): Operation[] {
  const changed = new Set(found.map(({ path }) => path.split('.')[0] ?? ''));
  const sendCode = changed.has('code') || changed.has('architectures') || above !== undefined;
  const settings: Record<string, Json> = {};
  for (const key of changed) {
    const value = content.settings[key as keyof Content['settings']];
    if (key !== 'architectures' && value !== undefined) settings[key] = value;
  }
  const environment = changed.has('environment')
    ? { environment: variableChange({ ignoreChanges: [] }, current, content) }
    : {};
  const configure = Object.keys(settings).length > 0 || changed.has('environment');
  const archive = archiveOf(name, version, object, sendCode);
  const architectures = content.settings.architectures as readonly string[] | undefined;
  const configuration = configure
    ? ({
        type: 'UpdateFunctionConfiguration',
        reason: 'restore the configuration of $LATEST',
        settings,
        ...environment,
      } as const)
    : undefined;
  const code = sendCode
    ? ({
        type: 'UpdateFunctionCode',
        reason: 'restore the code of $LATEST',
        codeSha256: content.codeSha256,
        ...sending(archive, version),
        ...(architectures === undefined ? {} : { architectures }),
      } as const)
    : undefined;
  const steps = inOrder(configuration, code, version.codeSize, live.latest.codeSize, found);
  return [...uploadsFor(steps, archive), ...steps];
}

/** The version's archive, which comes from AWS and goes back through S3 where it is too large for a request; `undefined`: an image. */
function archiveOf(
  name: string,
  { version, packageType, codeSize, codeSha256 }: LiveVersion,
  object: ObjectRef | undefined,
  isSent: boolean,
): ArchiveRef | undefined {
  if (packageType === 'Image') return undefined;
  const source = `version ${version} of ${name}`;
  const archive = { kind: 'zip', source, codeSha256, zipBytes: codeSize, unzippedBytes: 0 } as const;
  if (!isSent || codeSize <= MAX_ZIP_BYTES) return archive;
  if (object !== undefined) return { ...archive, object };
  const detail = `$LATEST would get the code of ${source}, ${codeSize} bytes; Lambda takes ${MAX_ZIP_BYTES} in a request, and more only from S3. Nothing was changed.`;
  throw new DeployError('ZIP_TOO_LARGE', detail, {
    subject: name,
    fix: 'set `code.bucket` to a bucket in the function’s region that it can be uploaded to, then run again.',
  });
}

function warningsOf(name: string, version: LiveVersion, { resumes }: RollbackTarget): Warning[] {
  const warnings: Warning[] = [];
  if (resumes === true) {
    const message = `the last rollback of ${name}, to version ${version.version}, did not finish: this finishes it. To go further back, run rollback again or name one with --to VERSION.`;
    warnings.push({ code: 'UNFINISHED_RECORD', function: name, message });
  }
  if (isUnreadable(version.environment)) {
    warnings.push({
      code: 'AWS_UNREADABLE',
      function: name,
      message: `the variables of version ${version.version} cannot be read (${version.environment.unreadable}); $LATEST keeps its own.`,
    });
  }
  return warnings;
}
