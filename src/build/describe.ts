import type { BaseOrigin } from '../store/origins.ts'
import type { BuildOptions } from './options.ts'
import type { StageState } from './stage-state.ts'

/** The image that a stage was laid upon. */
export interface BaseImage extends BaseOrigin {
  /** Its labels, which the stage inherits. */
  readonly labels: Readonly<Record<string, string>>
}

type Labels = Readonly<Record<string, string>>

const PREFIX = 'org.opencontainers.image.'
/** What says of a base where it comes from is wrong of what is built on it. */
const OF_THE_BASE_ALONE = ['revision', 'version', 'source', 'created', 'base.name', 'base.digest'].map(
  key => `${PREFIX}${key}`,
)

/**
 * The image's labels but for `created`: the stage's, those of its base when the build describes itself, those that were
 * asked for. Source: OCI image-spec v1.1 annotations.md, "Pre-Defined Annotation Keys".
 */
export function imageLabels(state: StageState, { describe, labels = {} }: BuildOptions): Labels | undefined {
  const own = state.config.Labels
  if (describe !== true) return Object.keys(labels).length === 0 ? own : { ...own, ...labels }
  return { ...withoutInherited(own ?? {}, state.baseImage), ...baseLabels(state.baseImage), ...labels }
}

/** With the label `created`, which is the config's time: known last, since what it is depends on the other labels. */
export function withCreated(
  labels: Labels | undefined,
  created: string,
  { describe }: BuildOptions,
): Labels | undefined {
  return describe === true ? { [`${PREFIX}created`]: created, ...labels } : labels
}

function withoutInherited(labels: Labels, base: BaseImage | undefined): Labels {
  const inherited = (key: string) => OF_THE_BASE_ALONE.includes(key) && labels[key] === base?.labels[key]
  return Object.fromEntries(Object.entries(labels).filter(([key]) => !inherited(key)))
}

function baseLabels(base: BaseImage | undefined): Labels {
  return base === undefined ? {} : { [`${PREFIX}base.name`]: base.name, [`${PREFIX}base.digest`]: base.digest }
}
