import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';

const SCHEMA = fileURLToPath(new URL('../../../shared/reference/buildkite-pipeline.schema.json', import.meta.url));

/** Buildkite's schema of a pipeline, as a function that says what is wrong; `undefined`, and a word, where it is not there. */
export async function pipelineSchema(): Promise<((pipeline: unknown) => readonly string[]) | undefined> {
  const schema = await readFile(SCHEMA, 'utf8').catch(() => undefined);
  if (schema === undefined) {
    console.log('Buildkite’s schema is not beside the repository: the shape of the pipelines is not checked.');
    return undefined;
  }
  const validate = new Ajv({ strict: false, logger: false, allErrors: true }).compile(JSON.parse(schema) as object);
  return (pipeline) =>
    validate(pipeline) ? [] : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}
