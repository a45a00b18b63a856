import type { Environment } from './build-id.ts'

/**
 * The branch that a CI system says it builds; CI checks out commits, not branches. Never the branch that a pull request
 * comes from: whoever opens one names it.
 */
export function ciBranch(env: Environment): string | undefined {
  const github = env.GITHUB_REF_TYPE === 'branch' ? env.GITHUB_REF_NAME : undefined
  const buildkite = env.BUILDKITE_PULL_REQUEST === 'false' ? env.BUILDKITE_BRANCH : undefined
  const azure = /^refs\/heads\/(.+)$/.exec(env.BUILD_SOURCEBRANCH ?? '')?.[1]
  const jenkins =
    env.CHANGE_ID === undefined ? (env.BRANCH_NAME ?? env.GIT_BRANCH?.replace(/^origin\//, '')) : undefined
  return [github, env.CI_COMMIT_BRANCH, buildkite, azure, jenkins].find(name => name !== undefined && name !== '')
}

/** Whether a branch is one of a channel's; a star stands for any characters. */
export function matchesBranch(pattern: string, branch: string): boolean {
  const source = pattern
    .split('*')
    .map(part => part.replaceAll(/[\\^$.+?()[\]{}|]/g, '\\$&'))
    .join('.*')
  return new RegExp(`^${source}$`, 's').test(branch)
}
