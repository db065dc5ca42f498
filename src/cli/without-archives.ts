import type { Desired, DesiredFunction } from '../model/function.js';
import { toDesired, type LoadedSpec } from '../spec/load.js';
import { readCodes } from './code.js';

/** The file with the code that is here; code that is not is unknown. For commands that deploy nothing. */
export async function withoutArchives(spec: LoadedSpec): Promise<Desired> {
  const codes = await readCodes(spec, undefined);
  await codes.close();
  const desired = toDesired(spec, codes.refs);
  return { ...desired, functions: desired.functions.map((one) => withUnknownCode(spec, one)) };
}

/** The function with its code as unknown, where the file names it and it could not be read. */
export function withUnknownCode({ functions }: Pick<LoadedSpec, 'functions'>, one: DesiredFunction): DesiredFunction {
  const isNamed = functions.some(({ key, codeSource }) => key === one.key && codeSource !== undefined);
  if (one.code !== undefined || !isNamed) return one;
  return { ...one, unknownPaths: [...(one.unknownPaths ?? []), 'code'] };
}
