import type { RecordMeta } from '../apply/job.js';
import type { ExitCode } from '../errors.js';
import type { DesiredFunction } from '../model/function.js';
import { tagsSet } from '../planner/tags.js';
import type { Origin } from '../model/record.js';
import type { LoadedSpec } from '../spec/load.js';
import type { Scope } from './build-scope.js';
import { conclude, type Print } from './conclude.js';
import type { Context } from './context.js';
import type { Planning } from './planning.js';

/** What a plan is carried out for. */
export interface Circumstances {
  readonly origin: Origin;
  readonly scope: Scope;
  /** Of a plan file. Absent: the plan was made now. */
  readonly planDigest?: string;
  /** Absent: as `apply` prints it. */
  readonly print?: Print;
}

/** Carries out a plan of `apply` that was shown and agreed to, and prints what came of it. */
export async function carryOut(
  context: Context,
  spec: LoadedSpec,
  { jobs, codes }: Planning,
  { origin, scope, planDigest, print }: Circumstances,
): Promise<ExitCode> {
  return conclude(
    context,
    'apply',
    jobs.map((job) => ({
      session: job.session,
      planned: job,
      desired: job.desired,
      live: job.live,
      known: [...job.records.values()].flat(),
      code: () => codes.payload(job.desired.key),
      archive: () => codes.archive(job.desired.key),
      takesOver: context.options['takeOver'] === true,
      meta: {
        action: 'deploy' as const,
        origin,
        spec: spec.functions.find(({ key }) => key === job.desired.key)?.asWritten,
        ...codeOf(job.desired),
        unversioned: { tags: tagsSet(job.desired) },
        ...(planDigest === undefined ? {} : { planDigest }),
      },
    })),
    scope,
    print,
  );
}

/** The code as a record keeps it. */
function codeOf({ code }: DesiredFunction): Pick<RecordMeta, 'code'> {
  if (code === undefined) return {};
  const { source, codeSha256 } = code;
  if (code.kind === 'image' || code.object === undefined) return { code: { source, codeSha256 } };
  const { isThere: _, ...object } = code.object;
  return { code: { source, codeSha256, object } };
}
