import type { DeleteFunctionCodeSigningConfigStep, PutFunctionCodeSigningConfigStep } from '../model/plan.js';
import type { ApplyPorts } from './job.js';
import { liveChanged, mutate, retryWith } from './mutate.js';

type CodeSigningStep = PutFunctionCodeSigningConfigStep | DeleteFunctionCodeSigningConfigStep;

/**
 * Sets or removes the code signing configuration. These calls take no RevisionId: what is there is read before, and read back.
 *
 * @param landed called as soon as AWS has the change
 * @throws LIVE_CHANGED when it is neither what the plan saw nor, afterwards, what was sent; AWS_*
 */
export async function changeCodeSigning(
  name: string,
  step: CodeSigningStep,
  ports: ApplyPorts,
  landed: () => void,
): Promise<'done' | 'recovered'> {
  const { lambda } = ports;
  const wanted = step.type === 'PutFunctionCodeSigningConfig' ? step.codeSigningConfigArn : null;
  const expect = async (...allowed: readonly (string | null)[]): Promise<string | null> => {
    const live = await lambda.getFunctionCodeSigningConfig(name);
    if (live !== undefined && allowed.includes(live)) return live;
    throw liveChanged(name, 'the function', ['codeSigningConfigArn']);
  };
  await expect(step.from);
  const status = await mutate({
    ...retryWith(ports, name),
    call: () =>
      wanted === null
        ? lambda.deleteFunctionCodeSigningConfig(name)
        : lambda.putFunctionCodeSigningConfig(name, wanted),
    inspect: async () => ((await expect(wanted, step.from)) === wanted ? 'ours' : 'unchanged'),
  });
  landed();
  await expect(wanted);
  return status;
}
