import type { MigrationNote } from '../../model/migration.js';
import type { Position } from '../node.js';

type Words = (...values: string[]) => readonly [message: string, fix: string];

interface Row {
  readonly severity?: 'warning';
  readonly says: Words;
}

/** Every note, in the order in which they are explained in the spec. Values: what the words need, never that of a variable. */
const NOTES = {
  CONFIGURATION_FIRST: {
    severity: 'warning',
    says: () => [
      'The plugin published a version before it set its configuration, so that the alias served older settings. The first apply publishes a version that has them.',
      'read `lambda-deploy plan` before the first apply.',
    ],
  },
  ONLY_CHANGES: {
    says: () => [
      'The plugin uploaded, published and moved the alias in every build. Now a build that changes nothing makes no call that writes.',
      'nothing to do.',
    ],
  },
  AFTER_SUCCESS_ONLY: {
    says: () => [
      'The plugin deployed after the commands of its step, even if they failed or were cancelled. Now it is the last of these commands.',
      'nothing to do.',
    ],
  },
  RECORDS: {
    severity: 'warning',
    says: () => [
      'The plugin remembered deployments in the meta-data of one build. Now they are recorded in the function’s tags, so that any build can roll back.',
      'give the role the permissions that `lambda-deploy iam-policy` prints.',
    ],
  },
  TOOL_NEEDED: {
    severity: 'warning',
    says: () => [
      'The plugin came with the step; `npx lambda-deploy` needs Node.js 20 and the package on the agent.',
      'install it before, from a lockfile (`npm ci`) or in the agent’s image, and never let npx fetch it.',
    ],
  },
  ONE_AT_A_TIME: {
    says: () => [
      'Two builds could deploy the same function at once. The new steps have `concurrency: 1` and a group for each function.',
      'nothing to do.',
    ],
  },
  ACCOUNT_UNKNOWN: {
    says: () => [
      'The pipeline does not say which AWS account it deploys to.',
      'add `account` to the file: any other account is then refused.',
    ],
  },
  REGION_FROM_JOB: {
    says: () => [
      'There is no `region`: it is the one of the job’s AWS_REGION or AWS_DEFAULT_REGION, as before.',
      'add `region` to the file to be sure of it.',
    ],
  },
  UNSET_IS_AN_ERROR: {
    says: (names) => [
      `Buildkite replaced a variable that is not set by nothing; in the file that is an error. It asks for ${names}.`,
      'write `${NAME:-}` where one may be unset, and see that jobs have those that only the uploading step had.',
    ],
  },
  HANDED_OVER: {
    says: (name, raw) => [
      `The file has no words for \`${raw}\`: the new steps hand it over as ${name}.`,
      `set ${name} where you run lambda-deploy by hand.`,
    ],
  },
  OF_THE_UPLOAD: {
    severity: 'warning',
    says: (name) => [
      `${name} was that of the step that uploaded the pipeline; now it is that of the step that deploys.`,
      'check that this is what is meant.',
    ],
  },
  ENVIRONMENTS: {
    severity: 'warning',
    says: (what, names) => [
      `Steps disagree about ${what}: each set of settings is one of the file’s environments (${names}), and all write to the same $LATEST.`,
      'give each environment a function of its own (`name`), or make the settings equal.',
    ],
  },
  ACCOUNTS: {
    says: (names) => [
      `The steps deploy to several accounts: each is one of the file’s environments (${names}).`,
      'pass --environment wherever you run lambda-deploy by hand.',
    ],
  },
  ENVIRONMENT_SET: {
    severity: 'warning',
    says: () => [
      'The plugin dropped `environment`. Now these variables are set, and all others of the function are removed.',
      'run `lambda-deploy plan` first; keep others with `ignoreChanges: [environment.NAME]`.',
    ],
  },
  SECRET_LEFT_OUT: {
    severity: 'warning',
    says: (name) => [
      `${name} looks like a secret and stood in the pipeline. The file has a reference to the job’s variable ${name} in its place.`,
      `change the secret, then set ${name} for the job or write \`\${ssm:/path}\`.`,
    ],
  },
  SECRET_OF_JOB: {
    says: (name) => [
      `${name} looks like a secret: it is read from the job’s variable, and shown nowhere.`,
      'better keep it in Parameter Store: `${ssm:/path}`.',
    ],
  },
  VARIABLE_EACH_BUILD: {
    severity: 'warning',
    says: (name, variable) => [
      `${name} holds ${variable}, so that every build is a change and publishes a version.`,
      'remove it where the code can do without.',
    ],
  },
  IMAGE_CONFIG_SET: {
    severity: 'warning',
    says: () => ['The plugin dropped `image-config`. Now it is set.', 'run `lambda-deploy plan` first.'],
  },
  IMAGE_LATEST: {
    says: () => [
      'The image has no tag, which means `latest`.',
      'name a tag or a digest, so that a build deploys what it built.',
    ],
  },
  NOT_FOR_IMAGES: {
    says: (option) => [`\`${option}\` means nothing to a container image, and is left out.`, 'nothing to do.'],
  },
  DESCRIPTION_EACH_BUILD: {
    says: () => [
      'The description names the build, which changed the function each time. It is the `versionDescription` now, which is never compared.',
      'nothing to do; `description` is free for what the function is for.',
    ],
  },
  ROLE_UNKNOWN: {
    says: () => [
      'There is no `role`, which a function needs that does not exist yet.',
      'add `role` if this file shall be able to create it.',
    ],
  },
  PROMOTED_BY_HAND: {
    says: (share) => [
      `The new version stays at ${share} until somebody promotes it, as before.`,
      'write `promotion: auto` to have it promoted after the interval.',
    ],
  },
  PROMOTED_AFTER_INTERVAL: {
    says: (share, seconds) => [
      `The new version stays at ${share} for ${seconds} seconds and is then promoted; the plugin did that at once, and only with a health check.`,
      'set `interval` to how long you want to watch it.',
    ],
  },
  WEIGHTS_LEFT: {
    severity: 'warning',
    says: (name, alias) => [
      'The plugin left the weights on the alias, also after the last share. The first apply ends such a rollout: all traffic returns to the alias’s own version, which may be an old one.',
      `look at \`aws lambda get-alias --function-name ${name} --name ${alias}\`; if it has weights, move the alias to the version that shall serve before the first apply.`,
    ],
  },
  SHARE_ROUNDED: {
    says: (share) => [`Shares have one decimal: ${share}.`, 'nothing to do.'],
  },
  ROLLS_BACK_BY_ITSELF: {
    says: () => [
      '`auto-rollback` only failed the step and left the alias where it was. Now the alias goes back.',
      'nothing to do.',
    ],
  },
  ROLLS_BACK_BY_DEFAULT: {
    says: () => [
      'The plugin kept a version that failed its check after the move. By default the alias now goes back.',
      'write `autoRollback: false` to keep it.',
    ],
  },
  ROLLBACK_OFF: {
    says: () => [
      '`autoRollback: false`: a version that fails after the move keeps the traffic, as before. One that fails before it gets none.',
      'remove the line, and the alias goes back.',
    ],
  },
  NO_HEALTH_CHECK: {
    says: () => [
      'There is no health check, as before.',
      'add `healthCheck` to the alias: a version that throws then gets no traffic.',
    ],
  },
  HEALTH_CHECK_STATUS: {
    severity: 'warning',
    says: (status) => [
      `The plugin compared ${status} with AWS’s answer to the call, which is 200 even when the handler throws. Now it is the \`statusCode\` that the handler answers, and one that throws fails.`,
      'see what the handler answers to this event.',
    ],
  },
  HEALTH_CHECK_TIMEOUT: {
    says: (seconds) => [
      `The plugin did not use its timeout. Now the check may take ${seconds} seconds in all.`,
      'set `timeout` to what the handler needs.',
    ],
  },
  ERROR_THRESHOLD: {
    says: () => [
      'The plugin read `health-check-error-threshold` and did not use it.',
      'name `errorRate` or `alarms` in the rollout, which are watched.',
    ],
  },
  NO_EFFECT: {
    says: (option, why) => [`\`${option}\` had no effect: ${why}. It is left out.`, 'nothing to do.'],
  },
  UNKNOWN_OPTION: {
    severity: 'warning',
    says: (option, near) => [
      `The plugin has no option \`${option}\`${near === '' ? '' : `, did you mean \`${near}\`?`} It is left out.`,
      near === '' ? 'write what it was meant for into the file.' : `correct it and import again.`,
    ],
  },
  ROLLBACK_IS_REAL: {
    severity: 'warning',
    says: () => [
      'After a good deployment the plugin’s rollback did nothing. Now whoever unblocks this step takes the alias back to the deployment before.',
      'say so in the block before it.',
    ],
  },
  ROLLBACK_UNATTENDED: {
    severity: 'warning',
    says: (command) => [
      'Nobody is asked before this rollback, and after a good deployment the plugin’s did nothing. `apply` itself puts the alias back when it fails, so the step only says so now.',
      `to go back by hand, put \`${command}\` behind a block step.`,
    ],
  },
  NO_DEPLOY_STEP: {
    severity: 'warning',
    says: (name, alias) => [
      `No step here deploys the alias ${alias} of ${name}: the file only names it.`,
      'add what the function shall be, or merge it into the file that does.',
    ],
  },
  PROMOTE_WAITS: {
    says: () => [
      '`promote` fails where no rollout waits: after a build that changed nothing, or the first deployment of an alias.',
      'put it behind a block step, and unblock it when there is one.',
    ],
  },
  IN_A_CONTAINER: {
    severity: 'warning',
    says: (plugin) => [
      `The commands of this step run in the container of ${plugin}; the plugin ran outside of it.`,
      'see that it has lambda-deploy and AWS credentials, or move the command to a step of its own.',
    ],
  },
  SOFT_FAIL: {
    severity: 'warning',
    says: () => [
      '`soft_fail` also hides exit codes 3 (refused), 4 (failed, alias safe) and 5 (a human is needed).',
      'remove it, or name the exit codes.',
    ],
  },
  META_DATA: {
    says: () => [
      'A step reads the meta-data `deployment:aws_lambda:…` that the plugin wrote. In a build `apply` and `rollback` write the same keys.',
      'nothing to do.',
    ],
  },
  WRITTEN_OUT: {
    says: () => [
      'The steps share YAML anchors with the plugin’s options. The new pipeline is written out without anchors and comments.',
      'look it over before you commit it.',
    ],
  },
} as const satisfies Record<string, Row>;

/** The code of a note. */
export type NoteCode = keyof typeof NOTES;

/** Collects notes; what is said twice of the same thing stays once. */
export class Notes {
  readonly #notes = new Map<string, MigrationNote>();

  /** @param file the pipeline, as messages name it */
  constructor(private readonly file: string) {}

  /** @param values what the words of this note need */
  add(
    code: NoteCode,
    position: Position,
    about: { readonly key?: string; readonly option?: string } = {},
    values: readonly string[] = [],
  ): void {
    const row: Row = NOTES[code];
    const [message, fix] = row.says(...values);
    const id = JSON.stringify([code, about.key, about.option, message]);
    if (this.#notes.has(id)) return;
    this.#notes.set(id, {
      code,
      severity: row.severity ?? 'note',
      message,
      fix,
      ...(about.key === undefined ? {} : { function: about.key }),
      ...(about.option === undefined ? {} : { option: about.option }),
      location: { file: this.file, ...position },
    });
  }

  /** Warnings first, then by their places. */
  get all(): readonly MigrationNote[] {
    const rank = ({ severity, location }: MigrationNote): readonly number[] => [
      severity === 'warning' ? 0 : 1,
      location.line,
      location.column,
    ];
    return [...this.#notes.values()].sort((left, right) => {
      const [a, b] = [rank(left), rank(right)];
      const first = a.findIndex((value, index) => value !== b[index]);
      return first === -1 ? 0 : (a[first] ?? 0) - (b[first] ?? 0);
    });
  }
}
