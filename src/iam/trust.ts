import { partitionOf } from './arn.js';

/** Which jobs of Buildkite may take the role. */
export interface Trusted {
  readonly account: string;
  readonly region: string;
  readonly organization: string;
  readonly pipeline: string;
  /** Absent: every branch and pull request. */
  readonly branch?: string;
  /** Keys of steps; empty: every step. */
  readonly steps: readonly string[];
}

const ISSUER = 'agent.buildkite.com';

/**
 * The trust policy of a role that a Buildkite job takes by OIDC. The job's token names organization, pipeline, ref and step key in its
 * subject, and no part of it but the commit is left open for a role that changes something.
 *
 * @see https://buildkite.com/docs/pipelines/security/oidc/aws
 */
export function trustFor({ account, region, organization, pipeline, branch, steps }: Trusted): object {
  const ref = branch === undefined ? '*' : `refs/heads/${branch}`;
  const before = `organization:${organization}:pipeline:${pipeline}:ref:${ref}:commit:*:step:`;
  const subjects = (steps.length === 0 ? ['*'] : steps).map((step) => `${before}${step}`).sort();
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'TrustBuildkite',
        Effect: 'Allow',
        Principal: { Federated: `arn:${partitionOf(region)}:iam::${account}:oidc-provider/${ISSUER}` },
        Action: 'sts:AssumeRoleWithWebIdentity',
        Condition: {
          StringEquals: { [`${ISSUER}:aud`]: 'sts.amazonaws.com' },
          StringLike: { [`${ISSUER}:sub`]: subjects },
        },
      },
    ],
  };
}
