// Sums vitest's JSON reports: `summarise.mjs FOLDER BROKEN_COMMANDS` prints `N passed, N failed` and exits 1 if any failed;
// `summarise.mjs --has-failures REPORT` exits 0 if the report counts failed tests.
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

const [first, second] = process.argv.slice(2);

if (first === '--has-failures') {
  const report = await read(second).catch(() => undefined);
  process.exitCode = report !== undefined && report.numFailedTests > 0 ? 0 : 1;
} else {
  const names = (await readdir(first)).filter((name) => name.endsWith('.json'));
  const reports = await Promise.all(names.map((name) => read(join(first, name))));
  const sum = (key) => reports.reduce((total, report) => total + report[key], 0);
  const failed = sum('numFailedTests') + Number(second);
  process.stdout.write(`${sum('numPassedTests')} passed, ${failed} failed\n`);
  process.exitCode = failed > 0 ? 1 : 0;
}

async function read(path) {
  return JSON.parse(await readFile(path, 'utf8'));
}
