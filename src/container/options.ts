import * as z from 'zod/mini'
import { ShaleError } from '../error.ts'
import type { NetworkOptions } from '../network/options.ts'
import type { Isolation } from '../sandbox/isolation.ts'
import type { ContainerRow } from '../store/containers.ts'
import type { ResolvedMount } from './mounts/types.ts'

/*
 * What a container was asked to be, as one document of its row, with what its image says where nothing else was asked.
 * Who adds a run option that a container has to remember adds it here, optional, so that older rows stay readable.
 */

const texts = z.readonly(z.array(z.string()))

export const restartPolicy = z.object({
  name: z.enum(['no', 'always', 'unless-stopped', 'on-failure']),
  /** Of `on-failure`; 0 is no limit. */
  maximumRetryCount: z.number(),
})

const logOptions = z.object({
  driver: z.enum(['json-file', 'none']),
  /** Bytes of a file; undefined is no limit. */
  maxSize: z.optional(z.number()),
  /** How many files there are at most, the current one included. */
  maxFile: z.number(),
})

const healthOptions = z.object({
  /** The check's arguments, a shell's words included. */
  test: texts,
  intervalMs: z.number(),
  timeoutMs: z.number(),
  startPeriodMs: z.number(),
  startIntervalMs: z.number(),
  retries: z.number(),
})

const port = z.object({
  address: z.optional(z.string()),
  hostPort: z.number(),
  containerPort: z.number(),
  protocol: z.enum(['tcp', 'udp']),
})

const schema = z.object({
  /** As the user wrote it. */
  image: z.string(),
  entrypoint: texts,
  command: texts,
  env: texts,
  workdir: z.string(),
  user: z.string(),
  groupAdd: z.optional(texts),
  /** Plain data, which whoever mounts checks. */
  mounts: z.optional(z.custom<readonly ResolvedMount[]>(Array.isArray)),
  network: z.optional(z.custom<NetworkOptions>(value => typeof value === 'object' && value !== null)),
  /** `80/tcp`: what its image exposes. */
  exposedPorts: z.optional(texts),
  /** What its network came to at its last start. */
  networked: z.optional(z.object({ mode: z.enum(['host', 'none', 'private']), ports: z.readonly(z.array(port)) })),
  isolation: z.optional(z.custom<Isolation>()),
  /** The beginning of the ID when absent. */
  hostname: z.optional(z.string()),
  addHosts: z.optional(z.readonly(z.array(z.object({ name: z.string(), address: z.string() })))),
  readonlyRoot: z.optional(z.boolean()),
  platform: z.optional(z.object({ os: z.string(), architecture: z.string(), variant: z.optional(z.string()) })),
  tty: z.boolean(),
  interactive: z.boolean(),
  autoRemove: z.boolean(),
  labels: z.record(z.string(), z.string()),
  restart: restartPolicy,
  stopSignal: z.string(),
  /** Seconds; -1 waits for ever. */
  stopTimeout: z.number(),
  log: logOptions,
  /** Absent: it is not checked. */
  health: z.optional(healthOptions),
})

export type ContainerOptions = z.infer<typeof schema>
export type RestartPolicy = z.infer<typeof restartPolicy>
export type HealthOptions = z.infer<typeof healthOptions>
export type LogOptions = z.infer<typeof logOptions>

/** Reads the document of a row. Throws `CONTAINER_DAMAGED`. */
export function optionsOf(row: Pick<ContainerRow, 'id' | 'options'>): ContainerOptions {
  try {
    const parsed = schema.safeParse(JSON.parse(row.options))
    if (parsed.success) return parsed.data
  } catch {
    // Told of below, as the rest.
  }
  throw new ShaleError('CONTAINER_DAMAGED', `the record of container ${row.id.slice(0, 12)} cannot be read`, {
    hint: `remove it: shale rm -f ${row.id.slice(0, 12)}`,
  })
}
