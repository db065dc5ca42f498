// Bundles src into dist: one entry for the binary, one for the API, everything a command does not need in chunks of its own.
import { build } from 'esbuild';
import { chmod, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const DIST = fileURLToPath(new URL('../dist', import.meta.url));
const ENTRIES = ['index.js', 'main.js'];
const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));

const { outputFiles } = await build({
  entryPoints: { main: 'src/cli/main.ts', index: 'src/index.ts' },
  absWorkingDir: new URL('..', import.meta.url).pathname,
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  // The SDK's CommonJS builds cost 30 ms more at start than its modules.
  mainFields: ['module', 'main'],
  // cosmiconfig would drag the compiler in for a loader that is never used.
  external: ['typescript'],
  define: { __VERSION__: JSON.stringify(version) },
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  logLevel: 'warning',
  write: false,
});

await mkdir(DIST, { recursive: true });
// A command may start meanwhile. Chunks carry their hash in the name, so the entries go last and what they need is there.
const chunksFirst = outputFiles.toSorted((left, right) => isEntry(left.path) - isEntry(right.path));
for (const { path, contents } of chunksFirst) {
  const temporary = `${path}.${process.pid}`;
  await writeFile(temporary, contents);
  await chmod(temporary, basename(path) === 'main.js' ? 0o755 : 0o644);
  await rename(temporary, path);
}
const made = new Set(outputFiles.map(({ path }) => basename(path)));
const stale = (await readdir(DIST)).filter((name) => name.endsWith('.js') && !made.has(name));
await Promise.all(stale.map((name) => rm(join(DIST, name), { force: true })));

function isEntry(path) {
  return Number(ENTRIES.includes(basename(path)));
}
