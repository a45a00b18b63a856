import type { Digest } from '../oci/digest.ts'
import { formatPlatform, type Platform } from '../oci/platform.ts'
import { parseReference } from '../oci/reference.ts'
import type { BaseOrigin, Origin } from '../store/origins.ts'
import type { ImageVariant } from '../store/types.ts'
import type { Move } from './moves.ts'

/** What is known of an image: which code it is, from where, and where it went. */
export interface ImageFacts {
  /** What the tag points at. */
  readonly id: Digest
  /** Complete name by which it was asked for, when it was a name. */
  readonly name?: string | undefined
  /** Where the image is; `gone` when only its history is left. */
  readonly place: 'store' | 'registry' | 'gone'
  /** `linux/amd64`; of an index those of the image whose labels these are. */
  readonly platform?: string | undefined
  readonly labels: ImageLabels
  /** Of its build, when that was in this store. */
  readonly origin?: Origin | undefined
  readonly base?: BaseOrigin | undefined
  /** Complete names of the tags that point at it in this store. */
  readonly tags: readonly string[]
  /** The same image in other compressions, as pushes have made it, newest first. */
  readonly variants?: readonly ImageVariant[] | undefined
  /** The one of them that was asked for. */
  readonly asked?: Digest | undefined
  /** Of every tag to this image, newest first. */
  readonly moves: readonly Move[]
  /** `20260130.1`: build identifiers that its tags have or had. */
  readonly builds: readonly string[]
}

/** What an image says of itself. Source: OCI image-spec v1.1 annotations.md, "Pre-Defined Annotation Keys". */
export interface ImageLabels {
  readonly revision?: string | undefined
  readonly version?: string | undefined
  readonly source?: string | undefined
  /** The label, else what the config says. */
  readonly created?: string | undefined
}

type Labels = Readonly<Record<string, string>>
const PREFIX = 'org.opencontainers.image.'

export function labelFacts(labels: Labels, created: string | undefined): ImageLabels {
  const label = (name: string) => labels[`${PREFIX}${name}`] || undefined
  return {
    revision: label('revision'),
    version: label('version'),
    source: label('source'),
    created: label('created') ?? created,
  }
}

/** The base that labels name; undefined unless they name it whole. */
export function labelledBase(labels: Labels): BaseOrigin | undefined {
  const name = labels[`${PREFIX}base.name`]
  const digest = labels[`${PREFIX}base.digest`]
  if (name === undefined || !/^sha(?:256|512):[0-9a-f]{64,128}$/.test(digest ?? '')) return undefined
  return { name, digest: digest as Digest }
}

export function platformText({ os, architecture, variant }: Platform): string {
  return formatPlatform({ os, architecture, variant })
}

/** Build identifiers in the tags of complete names, each once. */
export function buildsIn(names: readonly string[]): readonly string[] {
  const found = names.flatMap(
    name => /(?:^|[^\d])(\d{8}\.\d{1,9})(?!\d)/.exec(parseReference(name).tag ?? '')?.[1] ?? [],
  )
  return [...new Set(found)]
}
