import { statSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { ShaleError } from '../error.ts'
import { formatReference, parseReference } from '../oci/reference.ts'
import { ciBranch, matchesBranch } from './branch.ts'
import { ciBuildId, dayOf, type Environment } from './build-id.ts'
import { type GitState, readGit } from './git.ts'
import { type FoundVersion, findName, findVersion, namedVersion } from './package-version.ts'
import { type ProjectFile, readProjectFile } from './project-file.ts'
import { fieldsOf, fillTemplate, type Values } from './template.ts'

export interface ReleaseOptions {
  /** The project's folder: package file, `shale.yaml`, and somewhere in a git work tree. */
  readonly folder: string
  /** Repositories to tag in, in place of those that the project names. */
  readonly images?: readonly string[] | undefined
  /** Take a work tree that differs from its commit; what names the commit then ends in `-dirty`. */
  readonly allowDirty?: boolean | undefined
  /** Of CI: number of the build, branch. SOURCE_DATE_EPOCH sets the day. */
  readonly env: Environment
  /** Finds the build identifier when CI tells none; asked only when a tag has it. */
  readonly count: (repositories: readonly string[], day: string, revision: string | undefined) => Promise<string>
}

/** What a build is to be called. */
export interface Release {
  /** Complete names, each repository with each tag: `docker.io/myorg/app:1.0.0`. */
  readonly names: readonly string[]
  readonly version: string | undefined
  /** `20260130.1`; undefined when no tag has it. */
  readonly build: string | undefined
  /** The commit, with `-dirty` behind it when the work tree differs. */
  readonly revision: string | undefined
  readonly branch: string | undefined
  readonly labels: Readonly<Record<string, string>>
  /** What was left out and why, for people. */
  readonly notes: readonly string[]
}

/** What the article on images does: version, version and build, version and commit, commit. */
const DEFAULT_TAGS = ['{version}', '{version}-{build}', '{version}-{sha}', 'git-{sha}']
const DEFAULT_CHANNELS = { main: 'latest', master: 'latest' }

/**
 * Computes the tags of a project's image from git, its version and its strategy. Throws `WORK_TREE_DIRTY` and names the
 * files, `INVALID_PROJECT_FILE`, `INVALID_PACKAGE_FILE`, `NO_RELEASE_TAGS`, `GIT_FAILED`,
 * `CONTEXT_NOT_FOUND`.
 */
export async function planRelease(options: ReleaseOptions): Promise<Release> {
  const folder = resolve(options.folder)
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new ShaleError('CONTEXT_NOT_FOUND', `${folder} is no folder`, { hint: 'name the folder of the project' })
  }
  const [project, git] = await Promise.all([readProjectFile(folder), readGit(folder)])
  if (git !== undefined && options.allowDirty !== true) checkClean(git)
  const version = await versionOf(folder, project)
  const repositories = repositoriesOf(folder, options, project)
  const branch = git === undefined ? undefined : (git.branch ?? ciBranch(options.env))
  const revision = git && `${git.revision}${git.changed.length > 0 ? '-dirty' : ''}`
  const wanted = templatesOf(project, branch)
  const day = dayOf(dateOf(options.env))
  const usesBuild = wanted.some(({ text }) => fieldsOf(text).includes('build'))
  const build = usesBuild
    ? (ciBuildId(options.env, day) ?? (await options.count(repositories, day, revision)))
    : undefined
  const values = { ...versionValues(version?.version), ...gitValues(git), build, date: day, branch }
  const { tags, notes } = fill(wanted, values)
  const names = repositories.flatMap(repository => tags.map(tag => `${repository}:${tag}`))
  const labels = labelsOf(version?.version, revision, git?.source)
  return { names, version: version?.version, build, revision, branch, labels, notes }
}

const SHOWN_FILES = 10

function checkClean({ changed, revision }: GitState): void {
  if (changed.length === 0) return
  const more = changed.length > SHOWN_FILES ? `, and ${changed.length - SHOWN_FILES} more` : ''
  const files = changed.slice(0, SHOWN_FILES).join(', ')
  throw new ShaleError(
    'WORK_TREE_DIRTY',
    `the work tree differs from commit ${revision.slice(0, 7)}: ${files}${more}`,
    {
      hint: 'commit or stash them; --allow-dirty goes on and marks the commit in tags and labels as dirty',
    },
  )
}

async function versionOf(folder: string, project: ProjectFile | undefined): Promise<FoundVersion | undefined> {
  const named = project?.release.version
  if (project === undefined || named === undefined) return await findVersion(folder)
  try {
    return await namedVersion(folder, named)
  } catch (error) {
    const isOurs = error instanceof ShaleError && error.code === 'NO_VERSION'
    throw isOurs ? project.fail(['release', 'version'], error.message, error) : error
  }
}

/** Complete names of repositories: `docker.io/library/app`. */
function repositoriesOf(
  folder: string,
  { images = [] }: ReleaseOptions,
  project: ProjectFile | undefined,
): readonly string[] {
  if (images.length > 0) return images.map(image => repositoryName(image))
  const { image } = project?.release ?? {}
  if (project !== undefined && image !== undefined) {
    return [image].flat().map((each, at) => {
      try {
        return repositoryName(each)
      } catch (error) {
        const path = typeof image === 'string' ? ['release', 'image'] : ['release', 'image', at]
        throw error instanceof ShaleError ? project.fail(path, error.message, error) : error
      }
    })
  }
  const name = asRepository(findName(folder) ?? '') || asRepository(basename(folder))
  if (name !== '') return [repositoryName(name)]
  throw new ShaleError('NO_RELEASE_TAGS', 'the image has no name: neither a package file nor the folder gives one', {
    hint: 'name its repository: --image myorg/app, or `image` under `release` in shale.yaml',
  })
}

function repositoryName(text: string): string {
  const reference = parseReference(text)
  const bare = formatReference({ registry: reference.registry, repository: reference.repository })
  const named = text.lastIndexOf(':') > text.lastIndexOf('/') || text.includes('@')
  if (!named) return bare
  throw new ShaleError('INVALID_REFERENCE', `${JSON.stringify(text)} is to be a repository, without tag and digest`)
}

/** A package's or folder's name as a repository's: lower case, other characters as dashes. */
function asRepository(name: string): string {
  return name
    .toLowerCase()
    .split('/')
    .map(part => part.replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-+|-+$/g, ''))
    .filter(part => part !== '')
    .join('/')
}

interface Wanted {
  readonly text: string
  /** The error when it cannot be filled, if the project file asks for it; a default is left out then. */
  readonly fail?: ((why: string) => ShaleError) | undefined
}

function templatesOf(project: ProjectFile | undefined, branch: string | undefined): readonly Wanted[] {
  const { tags, channels } = project?.release ?? {}
  const failing = (...path: readonly PropertyKey[]) =>
    project && ((why: string) => project.fail(['release', ...path], why))
  const own = (tags ?? DEFAULT_TAGS).map((text, at): Wanted => ({ text, fail: tags && failing('tags', at) }))
  const chosen = channels ?? (tags === undefined ? DEFAULT_CHANNELS : {})
  const ofBranch = Object.entries(chosen)
    .filter(([pattern]) => branch !== undefined && matchesBranch(pattern, branch))
    .flatMap(([pattern, texts]) =>
      [texts].flat().map((text): Wanted => ({ text, fail: channels && failing('channels', pattern) })),
    )
  return [...own, ...ofBranch]
}

function dateOf(env: Environment): number {
  const epoch = env.SOURCE_DATE_EPOCH ?? ''
  return /^\d{1,11}$/.test(epoch) ? Number(epoch) * 1000 : Date.now()
}

function versionValues(version: string | undefined): Values {
  const [, major, minor, patch] = /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?/.exec(version ?? '') ?? []
  return { version, major, minor, patch }
}

function gitValues(git: GitState | undefined): Values {
  if (git === undefined) return {}
  const end = git.changed.length > 0 ? '-dirty' : ''
  return { sha: `${git.revision.slice(0, 7)}${end}`, revision: `${git.revision}${end}` }
}

const WHY_NOT: Readonly<Record<string, string>> = {
  version: 'no package file here names a version, and no git tag like v1.0.0 precedes the commit',
  sha: 'this is no git work tree',
  revision: 'this is no git work tree',
  branch: 'no branch is checked out',
}

function fill(wanted: readonly Wanted[], values: Values): { tags: readonly string[]; notes: readonly string[] } {
  const tags = new Set<string>()
  const lacking = new Set<string>()
  for (const { text, fail } of wanted) {
    const filled = fillTemplate(text, values)
    if ('tag' in filled) tags.add(filled.tag)
    else if (fail === undefined) lacking.add(filled.lacks)
    else {
      const why = WHY_NOT[filled.lacks] ?? `the version has no ${filled.lacks}`
      throw fail(`{${filled.lacks}} has no value: ${why}`)
    }
  }
  const notes = [...lacking].map(name => `no tags with the ${name === 'sha' ? 'commit' : name}: ${WHY_NOT[name]}`)
  if (tags.size > 0) return { tags: [...tags], notes }
  throw new ShaleError('NO_RELEASE_TAGS', `there is nothing to make a tag of: ${notes.join('; ')}`, {
    hint: 'give the project a version or a git commit, or write tags into shale.yaml',
  })
}

/** Source: OCI image-spec v1.1 annotations.md, "Pre-Defined Annotation Keys". */
function labelsOf(
  version: string | undefined,
  revision: string | undefined,
  source: string | undefined,
): Readonly<Record<string, string>> {
  const labels = { revision, version, source }
  return Object.fromEntries(
    Object.entries(labels).flatMap(([key, value]) =>
      value === undefined ? [] : [[`org.opencontainers.image.${key}`, value]],
    ),
  )
}
