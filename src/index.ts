export { DeployError, ERROR_CODES, isDeployError } from './errors.js';
export type { Diagnostic, ErrorCode, ExitCode, Location } from './errors.js';
