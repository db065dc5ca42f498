export { applyPlan, exitCodeOf } from './apply/apply.js';
export type { ApplyJob, ApplyPorts, RecordMeta, Settle } from './apply/job.js';
export { systemClock } from './aws/clock.js';
export { createLambda, type LambdaOptions } from './aws/lambda.js';
export { readLive, readVersions } from './aws/read-live.js';
export { waitUntilSettled, type WaitOptions } from './aws/wait.js';
export type { PackedArchive } from './code/archive.js';
export { packDirectory, type DirectorySource } from './code/directory.js';
export { repackZip } from './code/repack.js';
export type { CodeSource } from './code/source.js';
export { readZip, type ZipArchive } from './code/zip.js';
export { DeployError, ERROR_CODES, isDeployError } from './errors.js';
export type { Diagnostic, ErrorCode, ExitCode, Location } from './errors.js';
export type { DriftDocument, FunctionDrift } from './model/drift.js';
export type { ApplyEvent } from './model/events.js';
export { FIELDS, type Field, type FieldKey } from './model/fields.js';
export type {
  ArchiveRef,
  CodeRef,
  Desired,
  DesiredAlias,
  DesiredFunction,
  HealthCheck,
  ImageRef,
  LiveAlias,
  LiveFunction,
  LiveVersion,
  MetadataStore,
  Settings,
  Unreadable,
  Variables,
  Version,
} from './model/function.js';
export type { HistoryAlias, HistoryDocument, HistoryRow } from './model/history.js';
export type {
  Difference,
  FunctionPlan,
  Operation,
  Plan,
  PlanDocument,
  VariableChange,
  VersionRef,
  Warning,
} from './model/plan.js';
export type { Clock, ConfigurationChange, FunctionRead, InvokeAnswer, LambdaPort, RecordStore } from './model/ports.js';
export type { DeployRecord, Origin, RecordResult } from './model/record.js';
export type { ApplyResult, FunctionResult, OperationResult } from './model/result.js';
export { Secret } from './model/secret.js';
export { planDeploy, versionsNeeded, type DeployInput, type PlannedFunction } from './planner/deploy.js';
export { detectDrift, type DriftInput } from './planner/drift.js';
export { planRollback, type RollbackInput } from './planner/rollback.js';
export { chooseTarget, type RollbackTarget } from './planner/rollback-target.js';
export { fileStore } from './record/file.js';
export { tagsStore } from './record/tags.js';
export { parseFaults } from './sandbox/fault-file.js';
export { startSandbox, type FaultRule, type Sandbox, type SandboxOptions } from './sandbox/server.js';
export { loadSpec, toDesired, type LoadedSpec, type LoadOptions } from './spec/load.js';
