/** Where an error comes from: the user's file or arguments, AWS, or this tool itself. */
export type ErrorSource = 'user' | 'aws' | 'internal';

/** Exit codes, see README. 2 (differences found), 130 and 143 (signals) are results, not errors. */
export type ExitCode = 0 | 1 | 2 | 3 | 4 | 5 | 130 | 143;

interface CodeRow {
  readonly summary: string;
  readonly exit: 1 | 3 | 4 | 5;
}

/** The one table of errors: every code this tool can print, its one-line summary and its exit code. */
export const ERROR_CODES = {
  // The command line
  USAGE: { summary: 'The command line is not understood', exit: 1 },
  CONFIRMATION_REQUIRED: { summary: 'Nobody confirmed the plan', exit: 1 },

  // The file
  FILE_NOT_FOUND: { summary: 'No lambda.deploy.yaml found', exit: 1 },
  FILE_EXISTS: { summary: 'The file is there already', exit: 1 },
  FILE_NOT_WRITTEN: { summary: 'The file cannot be written', exit: 1 },
  FILE_UNREADABLE: { summary: 'The file cannot be read', exit: 1 },
  NO_PLUGIN_STEP: { summary: 'The pipeline has no step with the aws-lambda-deploy plugin', exit: 1 },
  NOT_UTF8: { summary: 'The file is not UTF-8', exit: 1 },
  YAML_SYNTAX: { summary: 'The YAML is broken', exit: 1 },
  DUPLICATE_KEY: { summary: 'A key appears twice', exit: 1 },
  ALIAS_CYCLE: { summary: 'A YAML alias contains itself', exit: 1 },
  ALIAS_BOMB: { summary: 'YAML aliases expand without bound', exit: 1 },
  UNKNOWN_KEY: { summary: 'Unknown key', exit: 1 },
  SCHEMA: { summary: 'The value is not allowed here', exit: 1 },
  NOT_YET_SUPPORTED: { summary: 'Not supported yet', exit: 1 },
  UNSET_VARIABLE: { summary: 'A variable is not set', exit: 1 },
  SECRET_UNKNOWN: { summary: 'A secret cannot be had', exit: 1 },
  SECRET_MISPLACED: { summary: 'A secret may not stand here', exit: 1 },
  BAD_INTERPOLATION: { summary: 'The ${…} expression is broken', exit: 1 },
  RESERVED_VARIABLE: { summary: 'Lambda sets this variable itself', exit: 1 },
  ENVIRONMENT_TOO_LARGE: { summary: 'The environment variables are too large', exit: 1 },
  ARCHITECTURE_WITHOUT_CODE: { summary: 'An architecture needs code', exit: 1 },
  BAD_IGNORED_PATH: { summary: 'ignoreChanges names no setting', exit: 1 },
  CHECK_TOO_LONG: { summary: 'The health check may take too long', exit: 1 },
  ATTEMPTS_TOO_LONG: { summary: 'The attempts do not fit into the timeout', exit: 1 },
  PAYLOAD_TWICE: { summary: 'A health check has two payloads', exit: 1 },
  PAYLOAD_FILE: { summary: 'The payload file cannot be used', exit: 1 },
  ROLLOUT_UNKNOWN: { summary: 'No rollout of that name', exit: 1 },
  ROLLOUT_STEPS: { summary: 'The steps of a rollout are shares that ascend', exit: 1 },
  ROLLOUT_TOO_LONG: { summary: 'The rollout may take too long', exit: 1 },
  PROMOTION_WITHOUT_STEPS: { summary: 'There is no step to promote', exit: 1 },
  BAKE_WITHOUT_WATCH: { summary: 'There is nothing to watch', exit: 1 },
  INEXACT_NUMBER: { summary: 'A number cannot be carried exactly', exit: 1 },
  SAME_NAME_TWICE: { summary: 'Two functions have the same name', exit: 1 },
  IMAGE_SETTING: { summary: 'The setting does not fit the kind of code', exit: 1 },
  REPRODUCIBLE_WITHOUT_ZIP: { summary: 'There is no zip to pack again', exit: 1 },
  SNAPSTART_RUNTIME: { summary: 'The runtime has no SnapStart', exit: 1 },
  LEFT_TO_OTHERS: { summary: 'The key is left to others', exit: 1 },
  BUILD_IN_DESCRIPTION: { summary: 'Every build changes the description', exit: 1 },
  RUNTIME_DEPRECATED: { summary: 'AWS deprecated the runtime', exit: 1 },
  SECRET_IN_CLEAR_TEXT: { summary: 'A value looks like a secret', exit: 1 },
  UNKNOWN_ENVIRONMENT: { summary: 'No environment of that name in the file', exit: 1 },
  ENVIRONMENT_REQUIRED: { summary: 'No environment was chosen', exit: 1 },
  FUNCTION_NOT_IN_FILE: { summary: 'No function of that name in the file', exit: 1 },

  // The code
  ZIP_NOT_FOUND: { summary: 'The code archive is missing', exit: 1 },
  ZIP_INVALID: { summary: 'The code archive is not a usable zip', exit: 1 },
  ZIP_TOO_LARGE: { summary: 'The code archive is too large', exit: 1 },
  DIR_NOT_FOUND: { summary: 'The code directory is missing', exit: 1 },
  DIR_INVALID: { summary: 'The code directory cannot be packed', exit: 1 },
  ARCHIVE_NOT_WRITTEN: { summary: 'The archive cannot be written', exit: 1 },

  // AWS
  AWS_ACCESS_DENIED: { summary: 'AWS denied access', exit: 1 },
  AWS_AMBIGUOUS: { summary: 'AWS gave no answer', exit: 1 },
  AWS_CONFLICT: { summary: 'AWS reports a conflict', exit: 1 },
  AWS_EXPIRED_CREDENTIALS: { summary: 'The AWS credentials are expired or missing', exit: 1 },
  AWS_NOT_FOUND: { summary: 'AWS does not know the resource', exit: 1 },
  AWS_PRECONDITION_FAILED: { summary: 'Live state changed underneath', exit: 3 },
  AWS_REFUSED: { summary: 'AWS refused the call', exit: 1 },
  AWS_THROTTLED: { summary: 'AWS throttles', exit: 1 },
  AWS_UNREACHABLE: { summary: 'AWS cannot be reached', exit: 1 },
  AWS_UNREADABLE: { summary: 'AWS does not show a part that is needed', exit: 1 },
  REGION_MISSING: { summary: 'No region', exit: 1 },
  WAIT_TIMEOUT: { summary: 'AWS did not settle in time', exit: 1 },
  UPDATE_FAILED: { summary: 'AWS could not carry out the update', exit: 1 },

  // Planning
  OLDER_COMMIT: { summary: 'The commit is older than what is deployed', exit: 3 },
  ANCESTRY_UNPROVEN: { summary: 'The commit may be older than what is deployed', exit: 3 },
  ALIAS_HELD: { summary: 'A rollback holds the alias', exit: 3 },
  WRONG_ACCOUNT: { summary: 'Wrong AWS account', exit: 3 },
  PACKAGE_TYPE_CHANGE: { summary: 'The package type cannot change', exit: 1 },
  CREATE_INCOMPLETE: { summary: 'The function does not exist and the file does not say enough to create it', exit: 1 },
  CODE_REQUIRED: { summary: 'This change needs the code', exit: 1 },
  VERSION_NOT_FOUND: { summary: 'The version does not exist', exit: 1 },

  // Applying
  PLAN_FILE: { summary: 'The plan file cannot be used', exit: 1 },
  LIVE_STATE: { summary: 'The snapshot cannot be used', exit: 1 },
  PLAN_STALE: { summary: 'The plan no longer fits', exit: 3 },
  LIVE_CHANGED: { summary: 'Live state changed underneath', exit: 3 },
  DEPLOYMENT_RUNNING: { summary: 'Another deployment is running', exit: 3 },
  CODE_CHANGED: { summary: 'The code archive changed since the plan', exit: 3 },
  NO_ROLLOUT: { summary: 'No rollout is open', exit: 1 },
  ALARM_NOT_FOUND: { summary: 'An alarm of the rollout does not exist', exit: 1 },
  TIME_TOO_SHORT: { summary: 'The rollout does not fit in the time that is left', exit: 3 },
  ALARM_RAISED: { summary: 'A CloudWatch alarm is raised', exit: 4 },
  ERROR_RATE_EXCEEDED: { summary: 'The new version fails too often', exit: 4 },
  UNWATCHED: { summary: 'The rollout could not be watched', exit: 4 },
  HEALTH_CHECK_FAILED: { summary: 'The health check failed', exit: 4 },
  DEPLOYMENT_FAILED: { summary: 'The deployment failed', exit: 4 },
  NEEDS_A_HUMAN: { summary: 'The alias could not be put back', exit: 5 },
  INTERRUPTED: { summary: 'Stopped by a signal', exit: 1 },

  // Records and going back
  RECORD_STORE: { summary: 'The deployment records cannot be read or written', exit: 1 },
  NO_ROLLBACK_TARGET: { summary: 'Nothing to roll back to', exit: 1 },
  MORE_THAN_ADOPTED: { summary: 'The plan is more than what was adopted', exit: 3 },

  // Buildkite
  NOT_APPROVED: { summary: 'The approval does not count', exit: 3 },
  BUILD_AGENT: { summary: 'buildkite-agent did not do its part', exit: 1 },

  // This tool
  INTERNAL: { summary: 'A defect in lambda-deploy', exit: 1 },
} as const satisfies Record<string, CodeRow>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** A place in a file; line and column count from 1. */
export interface Location {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One finding about the user's file. `fix` is an imperative; `error` findings stop the command, `warning` ones do not. */
export interface Diagnostic {
  readonly severity: 'error' | 'warning';
  readonly code: ErrorCode;
  /** What is wrong, with the value and the limit, then why. Never a secret. */
  readonly message: string;
  readonly fix?: string;
  /** `functions.orders.timeout`; empty for the whole file. */
  readonly path?: string;
  readonly location?: Location;
}

export interface DeployErrorOptions {
  readonly fix?: string | undefined;
  readonly source?: ErrorSource | undefined;
  /** The function, alias or file it is about. */
  readonly subject?: string | undefined;
  readonly cause?: unknown;
  /** Findings in the file, all of them. */
  readonly diagnostics?: readonly Diagnostic[];
  readonly location?: Location | undefined;
  /** The server's hint how long to wait, in seconds. */
  readonly retryAfterSeconds?: number | undefined;
  /** Overrides the table: an error after a write may weigh more than the same one before. */
  readonly exit?: 1 | 3 | 4 | 5 | undefined;
}

/**
 * The only error this tool throws on purpose: says what (`summary`), where (`subject`, `location`), why (`detail`) and what to
 * do (`fix`). The message of anything else is a defect and is printed as `INTERNAL`.
 */
export class DeployError extends Error {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly fix: string | undefined;
  readonly source: ErrorSource;
  readonly subject: string | undefined;
  readonly diagnostics: readonly Diagnostic[];
  readonly location: Location | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly exit: 1 | 3 | 4 | 5;

  constructor(code: ErrorCode, detail: string, options: DeployErrorOptions = {}) {
    super(`${ERROR_CODES[code].summary}: ${detail}`, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'DeployError';
    this.code = code;
    this.detail = detail;
    this.fix = options.fix;
    this.source = options.source ?? 'user';
    this.subject = options.subject;
    this.diagnostics = options.diagnostics ?? [];
    this.location = options.location;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.exit = options.exit ?? ERROR_CODES[code].exit;
  }

  get summary(): string {
    return ERROR_CODES[this.code].summary;
  }
}

/** Narrows to an error of this tool, optionally of one code. */
export function isDeployError(error: unknown, code?: ErrorCode): error is DeployError {
  return error instanceof DeployError && (code === undefined || error.code === code);
}
