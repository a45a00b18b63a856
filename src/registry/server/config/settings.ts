import type { Rule } from '../access/rules.ts'
import { DEFAULT_LIMITS, type Limits } from '../registry.ts'

export interface TlsFiles {
  /** PEM files: the certificate with its chain, and its key. */
  readonly cert: string
  readonly key: string
}

/** Tags that stay where they are once pushed. */
export interface ImmutableTags {
  readonly repositories: readonly string[]
  readonly tags: readonly string[]
}

/** Everything that can be set; paths are absolute. */
export interface ServerSettings {
  /** Undefined: every address of the machine. */
  readonly host: string | undefined
  /** 0: a free one. */
  readonly port: number
  readonly tls: TlsFiles | undefined
  readonly readOnly: boolean
  readonly limits: Limits
  /** htpasswd file. */
  readonly users: string | undefined
  /** Undefined: everything without users, nothing with. */
  readonly anonymous: 'pull' | 'none' | undefined
  readonly rules: readonly Rule[]
  readonly immutableTags: readonly ImmutableTags[]
  readonly collection: CollectionSettings
}

/** In milliseconds. */
export interface CollectionSettings {
  /** Undefined: only when asked for. */
  readonly interval: number | undefined
  /** How long what no manifest names stays: a push in several steps needs it. */
  readonly grace: number
}

const HOUR_MS = 60 * 60_000

export const DEFAULT_SETTINGS: ServerSettings = {
  host: '127.0.0.1',
  port: 5000,
  tls: undefined,
  readOnly: false,
  limits: DEFAULT_LIMITS,
  users: undefined,
  anonymous: undefined,
  rules: [],
  immutableTags: [],
  collection: { interval: HOUR_MS, grace: HOUR_MS },
}
