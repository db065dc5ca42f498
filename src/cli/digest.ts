import { createHash } from 'node:crypto';
import { canonicalJson, type Json } from '../model/json.js';
import {
  FORMAT_VERSION,
  type FunctionPlan,
  type Plan,
  type PlanDocument,
  type PlanFile,
  type Warning,
} from '../model/plan.js';

/** Plans of several functions as one document, with the digest that stands for its content (semantics 29). */
export function assemblePlan(
  command: Plan['command'],
  functions: readonly FunctionPlan[],
  warnings: readonly Warning[],
): PlanDocument {
  const count = (action: FunctionPlan['action']): number => functions.filter((one) => one.action === action).length;
  return {
    formatVersion: FORMAT_VERSION,
    command,
    changes: functions.some(({ action }) => action !== 'none'),
    summary: { create: count('create'), update: count('update'), unchanged: count('none') },
    functions,
    digest: digestOf({ command, functions } as unknown as Json),
    warnings,
  };
}

/** A plan file's document with the digest that stands for its inputs too: who approves it approves what it was made from. */
export function withInputs(file: PlanFile): PlanFile {
  const { command, functions, inputs } = file;
  return { ...file, digest: digestOf({ command, functions, inputs } as unknown as Json) };
}

function digestOf(content: Json): string {
  return `sha256:${createHash('sha256').update(canonicalJson(content)).digest('hex')}`;
}
