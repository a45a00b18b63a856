import type { Compression } from '../oci/media-types.ts'
import type { Platform } from '../oci/platform.ts'
import type { Isolation } from '../sandbox/isolation.ts'
import type { ContextModes } from './context.ts'
import type { BuildEvent } from './events.ts'
import type { Output } from './outputs/output.ts'

export type PullPolicy = 'always' | 'missing' | 'never'

/** What a RUN may not have unless the build is told so. */
export type Entitlement = 'network.host' | 'security.insecure'

/** A secret for `RUN --mount=type=secret`: the content of a file, read when a step needs it, or a value. */
export type BuildSecret =
  | { readonly id: string; readonly file: string }
  | { readonly id: string; readonly value: string | Uint8Array }

/** An ssh agent for `RUN --mount=type=ssh`: the socket that it listens on. */
export interface SshAgent {
  readonly id: string
  readonly socket: string
}

/** One flat object for everything a build can be told. */
export interface BuildOptions {
  /**
   * What COPY and ADD read: the absolute path of a folder or of an archive, the address of a git repository, of an
   * archive or of a Dockerfile.
   */
  readonly context: string
  /** An archive or a Dockerfile, to be read in place of `context`. */
  readonly contextBytes?: AsyncIterable<Uint8Array> | undefined
  /**
   * Further contexts by the names that FROM and COPY --from have for them: as `context`, or `docker-image://NAME`, or
   * `oci-layout://FOLDER[:TAG]`. One that nothing asks for is not looked up.
   */
  readonly contexts?: Readonly<Record<string, string>> | undefined
  /** Path of the Dockerfile, absolute or from the context; `Dockerfile` (or `dockerfile`) in the context if neither is given. */
  readonly dockerfile?: string | undefined
  /** The Dockerfile's text when it does not come from a file (`-f -`). */
  readonly dockerfileText?: string | undefined
  /** Names for the image: `myorg/app:1.0`. */
  readonly tags?: readonly string[] | undefined
  readonly buildArgs?: Readonly<Record<string, string>> | undefined
  readonly labels?: Readonly<Record<string, string>> | undefined
  /** Add the labels that only the build can tell: `org.opencontainers.image.` `created`, `base.name`, `base.digest`. */
  readonly describe?: boolean | undefined
  /** The commit that is built, for the record of where the image comes from. */
  readonly revision?: string | undefined
  readonly target?: string | undefined
  readonly platform?: Platform | undefined
  /** Several platforms, in place of `platform`: an index with an image for each. */
  readonly platforms?: readonly Platform[] | undefined
  /** What becomes of it; the image in the store if absent. */
  readonly outputs?: readonly Output[] | undefined
  readonly noCache?: boolean | undefined
  /** Stages that are built without the cache. */
  readonly noCacheFilter?: readonly string[] | undefined
  /** Ask for a newer base even when the store has one; only for those that it lacks; not at all. `missing` if absent. */
  readonly pull?: PullPolicy | undefined
  readonly network?: 'host' | 'none' | undefined
  /** `name:address` lines for /etc/hosts of RUN steps. */
  readonly addHosts?: readonly string[] | undefined
  /** Entitlements that RUN steps may ask for; none if absent. */
  readonly allow?: readonly Entitlement[] | undefined
  readonly secrets?: readonly BuildSecret[] | undefined
  readonly ssh?: readonly SshAgent[] | undefined
  /** What a RUN may use, and what makes its container. They enter no key: with less it gives the same. */
  readonly limits?: Pick<Isolation, 'resources' | 'rlimits' | 'shmSize' | 'runtime'> | undefined
  readonly compression?: Compression | undefined
  readonly compressionLevel?: number | undefined
  /** Seconds since 1970 (SOURCE_DATE_EPOCH): all times in the image are at most that. */
  readonly sourceDateEpoch?: number | undefined
  /**
   * The same digest from the same commit, wherever it is checked out: `contextModes` is `git`, and without another epoch
   * that of the context's commit is taken. Throws `NO_SOURCE_DATE` when there is none.
   */
  readonly reproducible?: boolean | undefined
  /** `keep` if absent. For named contexts, too. */
  readonly contextModes?: ContextModes | undefined
  /** How many steps may run at once; the number of processors if absent. */
  readonly parallelism?: number | undefined
  readonly signal?: AbortSignal | undefined
  readonly onEvent?: ((event: BuildEvent) => void) | undefined
}
