import { IgnoreMatcher, parseIgnoreFile } from '../dockerfile/ignore.ts'
import type { ShaleError } from '../error.ts'
import { parsePlatform } from '../oci/platform.ts'
import { checkDockerfile, violationError } from './check.ts'
import { parseLeniently } from './parse-leniently.ts'
import type { Finding } from './rule.ts'
import { baseStage } from './simulate.ts'
import type { BaseFacts, CheckInput } from './subject.ts'

export interface Findings {
  readonly findings: readonly Finding[]
  /** What the file asks to fail with. */
  readonly violation: ShaleError | undefined
  /** A mistake in the file. */
  readonly error: ShaleError | undefined
}

export interface FindingsOptions {
  readonly dockerignore?: string | undefined
  readonly buildArgs?: Readonly<Record<string, string>> | undefined
  /** Look at every stage, not only at those that the last one needs. */
  readonly all?: boolean
  readonly images?: Readonly<Record<string, { readonly platform: string }>> | undefined
}

const PLATFORM = parsePlatform('linux/amd64')
/** Like `busybox` and `alpine`: a PATH, no SHELL. */
const PLAIN: BaseFacts = { env: ['PATH=/usr/bin:/bin'], hasShell: false, platform: PLATFORM }

/** What the rules say of a Dockerfile whose base images are all there, on linux/amd64. */
export function findingsOf(text: string, options: FindingsOptions = {}): Findings {
  const { dockerfile, error } = parseLeniently(text, 'Dockerfile')
  if (dockerfile === undefined) return { findings: [], violation: undefined, error }
  const ignore = new IgnoreMatcher(parseIgnoreFile(options.dockerignore ?? ''))
  const input: CheckInput = {
    dockerfile,
    stages: options.all ? dockerfile.stages.map(({ index }) => index) : needed(dockerfile),
    buildArgs: options.buildArgs ?? {},
    automatic: new Map([
      ['TARGETPLATFORM', 'linux/amd64'],
      ['BUILDPLATFORM', 'linux/amd64'],
      ['TARGETARCH', 'amd64'],
    ]),
    platform: PLATFORM,
    base: (image, platform) => {
      const known = options.images?.[image]
      return { ...PLAIN, platform: known === undefined ? platform : parsePlatform(known.platform) }
    },
    isExcluded: path => ignore.excludes(path),
  }
  const { findings, fails } = checkDockerfile(input)
  const violation = fails && findings.length > 0 ? violationError(dockerfile, findings) : undefined
  return { findings, violation, error }
}

/** The last stage and those that it is based on or copies from. */
function needed(dockerfile: CheckInput['dockerfile']): readonly number[] {
  const wanted = new Set([dockerfile.stages.length - 1])
  for (const index of wanted) {
    const stage = dockerfile.stages[index]!
    const froms = stage.instructions.flatMap(one => (one.kind === 'copy' && one.from !== undefined ? [one.from] : []))
    for (const name of [stage.from.image, ...froms]) {
      const other = baseStage(dockerfile, index, name)
      if (other !== undefined) wanted.add(other.index)
    }
  }
  return [...wanted]
}
