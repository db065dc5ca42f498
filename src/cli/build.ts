import { AgentGone, createBuildAgent } from '../buildkite/agent.js';
import { isDeployError } from '../errors.js';
import type { Annotation, BuildAgentPort } from '../model/ports.js';
import { as } from '../render/text.js';
import type { Host } from './host.js';
import type { Output } from './output.js';

/** The build that this process is a job of. */
export function createBuild(host: Host, output: Output): Build {
  const { env, cwd, signal, agentLimits } = host;
  const limits = agentLimits === undefined ? {} : { limits: agentLimits };
  return new Build(createBuildAgent({ env, cwd, signal, ...limits }), output);
}

/**
 * What the build is told of a deployment. Nothing that is deployed depends on it: an agent that is absent, slow or says no is told
 * once on stderr, and changes neither what is done nor the exit code.
 */
export class Build {
  private isGone = false;
  private readonly complained = new Set<string>();

  constructor(
    /** For what has to succeed: its methods throw BUILD_AGENT. */
    readonly agent: BuildAgentPort,
    private readonly output: Output,
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

  annotate(annotation: Annotation): Promise<boolean> {
    return this.tell('the annotation', (agent) => agent.annotate(annotation));
  }

  /** What this tool's own redactor has learned goes to the agent's, for what others write in this job. */
  async handOverSecrets(): Promise<void> {
    const values = this.output.redactor.takeUntold();
    if (values.length > 0) await this.tell('redaction by the agent', (agent) => agent.addSecrets(values));
  }
}
