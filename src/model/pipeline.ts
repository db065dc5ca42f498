/** What is planned, approved and applied as one: the functions of one account, region and environment. */
export interface DeployTarget {
  /** Before the keys of its steps: empty in a file with one target, else `production-`. Letters, digits, `-` and `_`. */
  readonly prefix: string;
  /** Twelve digits; absent: nobody names it. */
  readonly account?: string;
  /** Absent: the agent's environment decides. */
  readonly region?: string;
  readonly environment?: string;
  /** The options, words of a command line, with which any command chooses the file and the environment. */
  readonly chosenBy: readonly string[];
  /** The functions by their keys where the file has others in other regions; empty: all that `chosenBy` chooses. */
  readonly functions: readonly string[];
  /** What a rollback can go back with, in file order. */
  readonly aliases: readonly { readonly function: string; readonly alias: string }[];
}

/** How the steps of a pipeline run, the same for all targets. */
export interface StepSettings {
  /** Teams by slug or id that may unblock; empty: everybody who may write to the pipeline. */
  readonly teams: readonly string[];
  /** Tags of the agents that run the steps, `queue=deploy`; empty: the default queue's. */
  readonly agents: readonly string[];
  /** Commands of a shell that make lambda-deploy runnable, at the start of each step. */
  readonly install: readonly string[];
  /** Whether whoever approves may not be who started the build. */
  readonly requireOtherApprover: boolean;
}

/** A step that waits for a person. @see https://buildkite.com/docs/pipelines/configure/step-types/block-step */
export interface BlockStep {
  readonly key: string;
  readonly block: string;
  readonly prompt: string;
  readonly fields?: readonly (TextField | SelectField)[];
  readonly blocked_state: 'passed' | 'running';
  readonly allowed_teams?: readonly string[];
  readonly depends_on?: string | readonly string[];
  readonly if: string;
}

/** Its text is in the build's meta-data under the key. */
export interface TextField {
  readonly text: string;
  readonly key: string;
  readonly hint: string;
  readonly required: boolean;
}

export interface SelectField {
  readonly select: string;
  readonly key: string;
  readonly options: readonly { readonly label: string; readonly value: string }[];
}

/** @see https://buildkite.com/docs/pipelines/configure/step-types/command-step */
export interface CommandStep {
  readonly key: string;
  readonly label: string;
  readonly depends_on?: string | readonly string[];
  readonly if: string;
  readonly concurrency?: number;
  readonly concurrency_group?: string;
  readonly timeout_in_minutes: number;
  readonly retry: {
    readonly automatic: false | readonly { readonly exit_status: number; readonly limit: number }[];
    readonly manual?: { readonly permit_on_passed: false };
  };
  readonly agents?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly commands: readonly string[];
}

/** A step with what a reader should know of it: `''` for the step, else by the member that the comment stands above. */
export interface CommentedStep {
  readonly step: BlockStep | CommandStep;
  readonly comments: Readonly<Record<string, string>>;
}
