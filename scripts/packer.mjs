// The packer of src/code for scripts that run before there is a build, or without one.
import { build } from 'esbuild';

const { outputFiles } = await build({
  entryPoints: ['src/code/directory.ts'],
  absWorkingDir: new URL('..', import.meta.url).pathname,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  mainFields: ['module', 'main'],
  write: false,
});

/** As `code.dir` packs: see specs/0006-archives.md. */
export const { packDirectory } = await import(`data:text/javascript;base64,${btoa(outputFiles[0].text)}`);
