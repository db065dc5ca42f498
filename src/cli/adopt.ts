import type { DesiredFunction } from '../model/function.js';
import type { FunctionDrift, LeftOut } from '../model/drift.js';
import { canonicalJson } from '../model/json.js';
import { isUnreadable } from '../model/function.js';
import { isDeployError } from '../errors.js';
import { lackingAliases, planAdoption, type Adoptable } from '../planner/adopt.js';
import { detectDrift, isAccepted, isDrift, type DriftInput } from '../planner/drift.js';
import { editText } from '../spec/edit.js';
import { loadEnvironments, toDesired, type LoadedSpec } from '../spec/load.js';
import { pathInFile, placesOf } from '../spec/places.js';
import { openVariables } from './clear-text.js';
import type { Context } from './context.js';
import { replaceFile } from './replace-file.js';
import { loadOptions } from './spec.js';

/** One function's drift with what it was found from. */
export interface Found {
  readonly input: DriftInput;
  readonly drift: FunctionDrift;
}

/**
 * Writes what moved in AWS into the file, as far as a file can say it: each value where it stands, unless another function or
 * environment takes it from there, then at the function itself. A value is written only if the file is then valid, nothing else in
 * it means something else, and that path has no drift any more. The rest of the file keeps every character.
 *
 * @returns the drift that is left
 * @throws FILE_NOT_WRITTEN, also when somebody changed the file meanwhile
 */
export async function adopt(context: Context, spec: LoadedSpec, all: readonly Found[]): Promise<FunctionDrift[]> {
  const file = new Adoption(context, spec);
  const results: FunctionDrift[] = [];
  // One after the other: each starts from the text that the last one left.
  for (const one of all) results.push(await adoptOne(file, one));
  if (file.text !== spec.text) await replaceFile(spec.file, spec.text, file.text);
  return results;
}

async function adoptOne(file: Adoption, { input, drift }: Found): Promise<FunctionDrift> {
  const { desired, live } = input;
  if (live === undefined)
    return { ...drift, adopted: [], left: drift.differences.map(({ path }) => ({ path, reason: GONE })) };
  const { environment } = live.latest;
  const clear = isUnreadable(environment) ? {} : openVariables(environment).clear;
  const { adoptable, left } = planAdoption(desired, live, drift.differences, clear);
  const { done, open } = await file.take(adoptable, input);
  // Where an alias was moved to what the file has now come to say, that is said, too.
  const drifting = done.length === 0 ? undefined : await file.drifting(input);
  const isLeft = ({ path }: LeftOut): boolean => drifting?.includes(path) !== false;
  const adopted = [...done, ...left.filter((one) => !isLeft(one)).map(({ path }) => path)];
  const all: LeftOut[] = [...left.filter(isLeft), ...open];
  const isStrange = input.strict === true && drift.differences.some((one) => one.class === 'unmanaged');
  const before = drift.differences.filter(isAccepted).map(({ path }) => path);
  const lacking = lackingAliases(desired, live, [...done, ...before]);
  return {
    ...drift,
    drifted: all.length > 0 || isStrange,
    adopted,
    ...(lacking.length === 0 ? {} : { lacking }),
    left: all,
  };
}

const GONE = 'the function is gone: take it out of the file, or apply';
const REFERENCE = 'the file gives a reference: change what it stands for';
const CANNOT = 'the file cannot say it without changing something else';

/** The file's text while live values are written into it. */
class Adoption {
  text: string;

  constructor(
    private readonly context: Context,
    private readonly spec: LoadedSpec,
  ) {
    this.text = spec.text;
  }

  /** In rounds: one value may only be allowed beside another one. */
  async take(adoptable: readonly Adoptable[], input: DriftInput): Promise<{ done: string[]; open: LeftOut[] }> {
    const done: string[] = [];
    let open = adoptable;
    for (let before = -1; before !== done.length;) {
      before = done.length;
      const still: Adoptable[] = [];
      for (const one of open) {
        if (await this.takeOne(one, input)) done.push(one.difference.path);
        else still.push(one);
      }
      open = still;
    }
    const reasons = open.map(({ difference: { path }, wordings }): LeftOut => {
      const isReference = wordings.some((one) => this.placesFor(input.desired, one.path).isReference);
      return { path, reason: isReference ? REFERENCE : CANNOT };
    });
    return { done, open: reasons };
  }

  private placesFor({ key }: DesiredFunction, path: readonly string[]): ReturnType<typeof placesOf> {
    return placesOf(this.spec.file, this.text, { key, environment: this.spec.environment }, path);
  }

  private async takeOne({ difference, wordings }: Adoptable, input: DriftInput): Promise<boolean> {
    for (const { path, value } of wordings) {
      const { places, isReference } = this.placesFor(input.desired, path);
      if (isReference) return false;
      for (const place of places) {
        const candidate = editText(this.text, pathInFile(this.spec.file, place, path), value);
        if (candidate === undefined || !(await this.isRight(candidate, difference.path, input))) continue;
        this.text = candidate;
        return true;
      }
    }
    return false;
  }

  /** Whether the text is valid, says nothing else anew, and its function has no drift at the path. */
  private async isRight(candidate: string, path: string, input: DriftInput): Promise<boolean> {
    const [before, after] = [await this.loadCurrent(), await this.load(candidate)];
    if (before === undefined || after === undefined) return false;
    const own = idOf(this.spec.environment, input.desired.key);
    const said = (specs: readonly LoadedSpec[]): string =>
      canonicalJson([...meanings(specs)].filter(([id]) => id !== own));
    if (said(before) !== said(after)) return false;
    const [was, is] = [driftingPaths(input), this.driftingIn(after, input)];
    return is !== undefined && !is.includes(path) && is.every((one) => was.includes(one));
  }

  /** Paths of a function that drift with the text as it is now; `undefined`: it does not say. */
  async drifting(input: DriftInput): Promise<readonly string[] | undefined> {
    const specs = await this.loadCurrent();
    return specs && this.driftingIn(specs, input);
  }

  private driftingIn(specs: readonly LoadedSpec[], input: DriftInput): readonly string[] | undefined {
    const spec = specs.find(({ environment }) => environment === this.spec.environment);
    if (spec === undefined) return undefined;
    const { key, code, unknownPaths = [] } = input.desired;
    const codes = new Map(code === undefined ? [] : [[key, code] as const]);
    const found = toDesired(spec, codes).functions.find((one) => one.key === key);
    if (found === undefined) return undefined;
    const unknown = unknownPaths.includes('code') ? ['code'] : [];
    const desired = { ...found, unknownPaths: [...(found.unknownPaths ?? []), ...unknown] };
    return driftingPaths({ ...input, desired });
  }

  private current: { readonly text: string; readonly specs: readonly LoadedSpec[] | undefined } | undefined;

  private async loadCurrent(): Promise<readonly LoadedSpec[] | undefined> {
    if (this.current?.text !== this.text) this.current = { text: this.text, specs: await this.load(this.text) };
    return this.current.specs;
  }

  private async load(text: string): Promise<readonly LoadedSpec[] | undefined> {
    const { environment: _, ...options } = loadOptions(this.context);
    try {
      return await loadEnvironments({ ...options, config: this.spec.file, text, keepUnset: true });
    } catch (error) {
      if (isDeployError(error)) return undefined;
      throw error;
    }
  }
}

function driftingPaths(input: DriftInput): readonly string[] {
  return detectDrift(input)
    .differences.filter(isDrift)
    .map(({ path }) => path);
}

function idOf(environment: string | undefined, key: string): string {
  return JSON.stringify([environment ?? null, key]);
}

/** What each function of each environment says, and each environment about itself. */
function meanings(specs: readonly LoadedSpec[]): readonly (readonly [string, unknown])[] {
  return specs.flatMap(({ environment, functions, region, account, metadata }) => [
    [idOf(environment, ''), { region, account, metadata }] as const,
    ...functions.map(({ key, asWritten }) => [idOf(environment, key), asWritten] as const),
  ]);
}
