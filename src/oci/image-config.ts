import * as z from 'zod/mini'
import { digestSchema } from './descriptor.ts'
import type { Digest } from './digest.ts'
import { checked, nullAsAbsent, parseJson } from './manifest.ts'

/** Durations in nanoseconds, as Docker's config has them. */
export interface Healthcheck {
  readonly Test?: readonly string[] | undefined
  readonly Interval?: number | undefined
  readonly Timeout?: number | undefined
  readonly StartPeriod?: number | undefined
  readonly StartInterval?: number | undefined
  readonly Retries?: number | undefined
}

/** What a container of the image runs with. Source: OCI image-spec v1.1 config.md, with Docker's additions. */
export interface ExecutionConfig {
  readonly User?: string | undefined
  readonly ExposedPorts?: Readonly<Record<string, object>> | undefined
  readonly Env?: readonly string[] | undefined
  readonly Entrypoint?: readonly string[] | undefined
  readonly Cmd?: readonly string[] | undefined
  readonly Volumes?: Readonly<Record<string, object>> | undefined
  readonly WorkingDir?: string | undefined
  readonly Labels?: Readonly<Record<string, string>> | undefined
  readonly StopSignal?: string | undefined
  readonly ArgsEscaped?: boolean | undefined
  readonly Healthcheck?: Healthcheck | undefined
  readonly OnBuild?: readonly string[] | undefined
  readonly Shell?: readonly string[] | undefined
}

export interface HistoryEntry {
  readonly created?: string | undefined
  readonly created_by?: string | undefined
  readonly author?: string | undefined
  readonly comment?: string | undefined
  readonly empty_layer?: boolean | undefined
}

export interface ImageConfig {
  readonly created?: string | undefined
  readonly author?: string | undefined
  readonly architecture: string
  readonly os: string
  readonly variant?: string | undefined
  readonly 'os.version'?: string | undefined
  readonly config?: ExecutionConfig | undefined
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: readonly Digest[] }
  readonly history?: readonly HistoryEntry[] | undefined
}

const list = nullAsAbsent(z.array(z.string()))
const set = nullAsAbsent(z.record(z.string(), z.looseObject({})))
const text = z.pipe(
  z.nullish(z.string()),
  z.transform(value => (value === null || value === '' ? undefined : value)),
)

const healthcheckSchema = z.looseObject({
  Test: list,
  Interval: z.optional(z.number()),
  Timeout: z.optional(z.number()),
  StartPeriod: z.optional(z.number()),
  StartInterval: z.optional(z.number()),
  Retries: z.optional(z.number()),
})

const executionSchema = z.looseObject({
  User: text,
  ExposedPorts: set,
  Env: list,
  Entrypoint: list,
  Cmd: list,
  Volumes: set,
  WorkingDir: text,
  Labels: nullAsAbsent(z.record(z.string(), z.string())),
  StopSignal: text,
  Healthcheck: nullAsAbsent(healthcheckSchema),
  OnBuild: list,
  Shell: list,
})

const historySchema = z.looseObject({
  created: text,
  created_by: text,
  author: text,
  comment: text,
  empty_layer: z.optional(z.boolean()),
})

const configSchema = z.looseObject({
  created: text,
  author: text,
  architecture: z.string(),
  os: z.string(),
  variant: text,
  config: nullAsAbsent(executionSchema),
  rootfs: z.looseObject({
    type: z.literal('layers'),
    diff_ids: z.pipe(
      z.nullish(z.array(digestSchema)),
      z.transform(value => value ?? []),
    ),
  }),
  history: nullAsAbsent(z.array(historySchema)),
})

/** Reads an image config from its raw bytes. Throws `INVALID_IMAGE_CONFIG` and names the field. */
export function parseImageConfig(raw: Uint8Array): ImageConfig {
  return checked(configSchema, parseJson(raw, 'image config'), 'image config') as ImageConfig
}
