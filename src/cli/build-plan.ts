import type { PlanDocument } from '../model/plan.js';
import type { Subject } from '../render/annotation.js';
import { planAnnotation } from '../render/plan-annotation.js';
import type { LoadedSpec } from '../spec/load.js';
import { artifactOf } from './build-artifact.js';
import { scopeName, scopeOf } from './build-scope.js';
import type { Context } from './context.js';

/**
 * Shows a plan on the build's page, and keeps the plan file for the step that applies it: as an artifact, its digest in the
 * meta-data under the annotation's context. Without a build nothing.
 *
 * @param out where the plan file was written
 * @throws BUILD_AGENT where steps are uploaded that need the plan file, and it cannot be had
 */
export async function tellPlan(
  context: Context,
  spec: Pick<LoadedSpec, 'file' | 'environment'>,
  plan: PlanDocument,
  out: string | undefined,
): Promise<void> {
  const { build, output } = context;
  if (build === undefined) return;
  const subject = scopeOf(context, spec);
  const name = scopeName('plan', subject);
  const artifact = out === undefined ? undefined : await keep(context, out);
  const body = output.toMarkdown({ plan, subject, ...(artifact === undefined ? {} : { artifact }) }, (shown: Shown) =>
    planAnnotation(shown.plan, shown.subject, shown.artifact),
  );
  await Promise.all([
    build.annotate({ context: name, style: styleOf(plan), body }),
    out === undefined ? undefined : build.tell('the plan’s digest', (agent) => agent.setMetaData(name, plan.digest)),
  ]);
}

interface Shown {
  readonly plan: PlanDocument;
  readonly subject: Subject;
  /** The path of the plan file among the build's artifacts. */
  readonly artifact?: string;
}

async function keep({ build, host, options }: Context, out: string): Promise<string | undefined> {
  const { from, path } = artifactOf(host, out);
  if (options['uploadSteps'] !== true) {
    const isKept = await build?.tell(`the plan file ${out} as an artifact`, (agent) => agent.uploadArtifact(from));
    return isKept === true ? path : undefined;
  }
  await build?.agent.uploadArtifact(from);
  return path;
}

function styleOf({ changes, warnings }: PlanDocument): 'success' | 'warning' | 'info' {
  if (warnings.length > 0) return 'warning';
  return changes ? 'info' : 'success';
}
