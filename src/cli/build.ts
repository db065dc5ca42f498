import { resolve } from 'node:path';
import { AgentGone, CALL_LIMITS, createBuildAgent, LAST_MOMENT_MS } from '../buildkite/agent.js';
import { type DeployError, isDeployError } from '../errors.js';
import type { Annotation, BuildAgentPort } from '../model/ports.js';
import { renderError } from '../render/errors.js';
import { errorAnnotation } from '../render/result-annotation.js';
import { COMMANDS } from '../render/result.js';
import { as } from '../render/text.js';
import { type Kind, type Scope, scopeName, scopeOf } from './build-scope.js';
import type { Host } from './host.js';
import type { Options } from './options.js';
import type { Output } from './output.js';

/** The commands whose errors are shown where their plan or result would be. */
const TOPICS: Readonly<Record<string, Topic>> = {
  plan: { kind: 'plan', what: 'Plan' },
  drift: { kind: 'drift', what: 'Drift' },
  apply: { kind: 'result', what: COMMANDS.apply },
  rollback: { kind: 'result', what: COMMANDS.rollback },
  promote: { kind: 'result', what: COMMANDS.promote },
  abort: { kind: 'result', what: COMMANDS.abort },
};

/** The build that this process is a job of. */
export function createBuild(host: Host, output: Output, verb: string, options: Options): Build {
  const { env, cwd, signal, agentLimits } = host;
  const limits = agentLimits ?? CALL_LIMITS;
  const agent = createBuildAgent({ env, cwd, signal, limits });
  const records = createBuildAgent({ env, cwd, signal, limits: { ...limits, afterSignalMs: LAST_MOMENT_MS } });
  const build = new Build(agent, output, TOPICS[verb], records);
  // Until the file is read, its name is what the options say.
  build.concerns(
    scopeOf({ host, options }, { ...options, file: resolve(cwd, options.config ?? 'lambda.deploy.yaml') }),
  );
  return build;
}

/** What a command shows. */
interface Topic {
  readonly kind: Kind;
  /** The command, as a noun: `Apply`. */
  readonly what: string;
}

/**
 * What the build is told of a deployment. Nothing that is deployed depends on it: an agent that is absent, slow or says no is told
 * once on stderr, and changes neither what is done nor the exit code.
 */
export class Build {
  private isGone = false;
  private readonly complained = new Set<string>();
  private scope: Scope | undefined;

  constructor(
    /** For what has to succeed: its methods throw BUILD_AGENT. */
    readonly agent: BuildAgentPort,
    private readonly output: Output,
    private readonly topic: Topic | undefined,
    /** The same for records: they are worth more than what people read, so a signal leaves them more time. */
    readonly records = agent,
  ) {}

  /**
   * Tells the build something. Never throws. An agent that is gone is not asked again.
   *
   * @param what the build lacks where it fails: `the annotation`
   * @returns whether the build has it
   */
  async tell(what: string, call: (agent: BuildAgentPort) => Promise<void>): Promise<boolean> {
    if (this.isGone) return false;
    try {
      await call(this.agent);
      return true;
    } catch (error) {
      if (!isDeployError(error, 'BUILD_AGENT')) throw error;
      // Calls side by side meet the same fate.
      if (this.isGone || this.complained.has(what)) return false;
      this.isGone = error.cause instanceof AgentGone;
      this.complained.add(what);
      const rest = this.isGone ? 'The build is told nothing more' : `The build goes without ${what}`;
      this.output.diagnostics([[as('warn', 'note: '), `${error.detail} ${rest}; no deployment depends on it.`]]);
      return false;
    }
  }

  /** What this run is about, for the annotation of an error. */
  concerns(scope: Scope): void {
    this.scope = scope;
  }

  /** Shows an error where the plan or the result would be; a signal is no news to whoever sent it. */
  async tellFailure(error: DeployError): Promise<void> {
    const { topic, scope } = this;
    if (topic === undefined || scope === undefined || error.code === 'INTERRUPTED') return;
    const { kind, what } = topic;
    const body = this.output.toMarkdown({ what, lines: renderError(error), scope }, (shown) =>
      errorAnnotation(shown.what, shown.lines, shown.scope),
    );
    await this.annotate({ context: scopeName(kind, scope), style: 'error', body });
  }

  annotate(annotation: Annotation): Promise<boolean> {
    return this.tell('the annotation', (agent) => agent.annotate(annotation));
  }

  /** What this tool's own redactor has learned goes to the agent's, for what others write in this job. */
  async handOverSecrets(): Promise<void> {
    const values = this.output.redactor.takeUntold();
    if (values.length > 0) await this.tell('redaction by the agent', (agent) => agent.addSecrets(values));
  }
}
