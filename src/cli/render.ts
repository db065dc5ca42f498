import type { ExitCode } from '../errors.js';
import type { JsonObject } from '../model/json.js';
import type { Line } from '../render/text.js';
import type { LoadedSpec } from '../spec/load.js';
import { toYaml } from '../spec/render-desired.js';
import type { Context } from './context.js';
import { loadEveryEnvironment } from './spec.js';

/**
 * Prints the desired state after environment, defaults and interpolation, secrets as references; calls nothing. Without a
 * choice, every environment in turn: as YAML documents, or in JSON by name under `environments`.
 */
export async function render(context: Context): Promise<ExitCode> {
  const specs = await loadEveryEnvironment(context);
  const rendered = specs.map((spec) => ({ name: spec.environment, document: selected(spec) }));
  const [only] = rendered;
  const several = rendered.length > 1;
  const document = several
    ? { environments: Object.fromEntries(rendered.map(({ name, document: one }) => [name ?? '', one])) }
    : (only?.document ?? {});
  const lines = rendered.flatMap(({ name, document: one }): Line[] => [
    ...(several ? [['---'], [`# environment ${name ?? ''}`]] : []),
    ...toYaml(one)
      .trimEnd()
      .split('\n')
      .map((line) => [line]),
  ]);
  context.output.result(document, lines);
  return 0;
}

function selected(spec: LoadedSpec): JsonObject {
  const chosen = new Set(spec.functions.map(({ key }) => key));
  const entries = Object.entries(spec.rendered['functions'] ?? {}).filter(([key]) => chosen.has(key));
  return { ...spec.rendered, functions: Object.fromEntries(entries) };
}
