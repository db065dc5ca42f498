// Sums vitest's JSON reports: `summarise.mjs FOLDER BROKEN_COMMANDS` prints each failed test and command on stderr, then
// `N passed, N failed`, and exits 1 if any failed;
// `summarise.mjs --has-failures REPORT` exits 0 if the report counts failed tests.
import { readFile, readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';

const [first, second] = process.argv.slice(2);

if (first === '--has-failures') {
  const report = await read(second).catch(() => undefined);
  process.exitCode = report !== undefined && report.numFailedTests > 0 ? 0 : 1;
} else {
  const names = (await readdir(first)).filter((name) => name.endsWith('.json'));
  const reports = await Promise.all(names.map((name) => read(join(first, name))));
  const sum = (key) => reports.reduce((total, report) => total + report[key], 0);
  const failed = sum('numFailedTests') + Number(second);
  process.stderr.write([...reports.flatMap(failuresOf), ...(await brokenCommands(first))].join(''));
  process.stdout.write(`${sum('numPassedTests')} passed, ${failed} failed\n`);
  process.exitCode = failed > 0 ? 1 : 0;
}

/** A test's own name and the beginning of what it said: the log above it may be cut. */
function failuresOf({ testResults }) {
  return testResults.flatMap(({ name, assertionResults, message }) => {
    const failed = assertionResults.filter(({ status }) => status === 'failed');
    if (failed.length === 0 && message) return [`FAILED ${relative('.', name)}\n${begin(message)}`];
    return failed.map(
      (one) => `FAILED ${relative('.', name)} > ${one.fullName}\n${begin(one.failureMessages.join('\n'))}`,
    );
  });
}

function begin(text) {
  return text
    .split('\n', 30)
    .map((line) => `    ${line.slice(0, 400)}\n`)
    .join('');
}

async function brokenCommands(folder) {
  const text = await readFile(join(folder, 'broken'), 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter(Boolean)
    .map((title) => `FAILED command: ${title}\n`);
}

async function read(path) {
  return JSON.parse(await readFile(path, 'utf8'));
}
