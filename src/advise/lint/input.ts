import type { Dockerfile } from '../../dockerfile/parse.ts'
import { hostPlatform } from '../../oci/platform.ts'
import type { CheckInput } from '../subject.ts'

/** A Dockerfile of which nothing but its text is known; every stage is looked at. */
export function plainInput(dockerfile: Dockerfile): CheckInput {
  return {
    dockerfile,
    stages: dockerfile.stages.map(({ index }) => index),
    buildArgs: {},
    automatic: new Map(),
    platform: hostPlatform(),
    base: () => undefined,
    isExcluded: () => false,
  }
}
