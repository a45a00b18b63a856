import type { Dockerfile } from '../../dockerfile/parse.ts'
import { formatPlatform, hostPlatform } from '../../oci/platform.ts'
import type { CheckInput } from '../subject.ts'

/** The variables that every build has, for a build on this machine. */
function automatic(): ReadonlyMap<string, string> {
  const { os, architecture, variant = '' } = hostPlatform()
  const values = { PLATFORM: formatPlatform(hostPlatform()), OS: os, ARCH: architecture, VARIANT: variant }
  const pairs = ['BUILD', 'TARGET'].flatMap(side => {
    return Object.entries(values).map(([name, value]) => [side + name, value] as const)
  })
  return new Map([...pairs, ['TARGETSTAGE', 'default']])
}

/** A Dockerfile of which nothing but its text is known; every stage is looked at. */
export function plainInput(dockerfile: Dockerfile): CheckInput {
  return {
    dockerfile,
    stages: dockerfile.stages.map(({ index }) => index),
    buildArgs: {},
    automatic: automatic(),
    platform: hostPlatform(),
    base: () => undefined,
    isExcluded: () => false,
  }
}
