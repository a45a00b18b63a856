import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { sha256 } from '../oci/digest.ts'
import type { ExecutionConfig } from '../oci/image-config.ts'
import type { Manifest } from '../oci/manifest.ts'
import { type Compression, MediaType } from '../oci/media-types.ts'
import type { Platform } from '../oci/platform.ts'
import type { Lease, Store } from '../store/types.ts'
import { forEachParallel } from '../transfer/parallel.ts'
import { CERTIFICATES, filesOf, settingsOf, type UnpackedPackage, withoutReplaced } from './contents.ts'
import { unpackDeb } from './deb.ts'
import { debianArchive } from './debian-archive.ts'
import { debianArchitecture } from './distribution.ts'
import { createFetcher } from './fetch.ts'
import { groupPackages, type Layering } from './groups.ts'
import { isNoDocumentation } from './keeps.ts'
import { follows } from './needed.ts'
import { type BaseLayer, packFiles } from './pack-layer.ts'
import type { Package, PackageSource, Repository } from './package.ts'
import { resolvePackages } from './resolve.ts'
import { seenReleases } from './seen-releases.ts'
import type { Trust } from './signature.ts'

export interface BaseOptions {
  readonly repositories: readonly Repository[]
  readonly trust: Trust
  /** Names, or `name=version`. */
  readonly packages: readonly string[]
  readonly platform: Platform
  readonly layering: Layering
  readonly compression: Compression
  readonly config: ExecutionConfig
  /** Where proxies and SHALE_OFFLINE are looked up. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly onEvent: (event: BaseEvent) => void
  readonly signal?: AbortSignal | undefined
}

export type BaseEvent =
  | { readonly kind: 'resolved'; readonly packages: readonly Package[] }
  | { readonly kind: 'unpacked'; readonly package: Package }
  | { readonly kind: 'layer'; readonly name: string; readonly packages: number; readonly layer: BaseLayer }

export interface BaseImage {
  readonly digest: ReturnType<typeof sha256>
  readonly packages: readonly Package[]
}

/** Packages that are fetched and unpacked at once. */
const PARALLEL = 6

/**
 * Makes an image of packages of a distribution, whose scripts are not run. The image is in the store, without a name. The
 * same packages and options give the same digest. Throws what reading, resolving, fetching and unpacking throw; then the
 * store holds no part of the image.
 */
export async function makeBase(store: Store, lease: Lease, options: BaseOptions): Promise<BaseImage> {
  const cache = await packageCache(store, lease)
  const folder = join(store.tempDir, `${lease.id}-packages`)
  const fetcher = createFetcher({ folder: cache.path, env: options.env })
  try {
    await mkdir(folder, { mode: 0o700 })
    const architecture = debianArchitecture(options.platform)
    const { repositories, trust, signal } = options
    const seen = seenReleases(cache.path)
    const source = debianArchive({ repositories, architecture, trust, fetcher, seen, now: Date.now(), signal })
    const { index, releases } = await source.read()
    // Always there: the name of the distribution, which scanners look for.
    const request = { packages: [...options.packages, 'base-files'], architecture, essential: false, follows }
    const packages = resolvePackages(index, request)
    options.onEvent({ kind: 'resolved', packages })
    const unpacked = withoutReplaced(await unpackAll(source, packages, { ...options, folder }))
    const created = Math.max(...releases.map(({ date }) => date))
    return { digest: await writeImage(store, lease, { ...options, unpacked, created }), packages }
  } finally {
    fetcher.close()
    await rm(folder, { recursive: true, force: true })
    cache.release()
  }
}

/** Downloaded files are kept as a cache that shows in `builder du` and goes with `builder prune`. */
async function packageCache(store: Store, lease: Lease): Promise<{ readonly path: string; release(): void }> {
  const request = {
    key: sha256('base packages 1'),
    title: 'packages of base images',
    sharing: 'shared',
    fresh: false,
  } as const
  for (;;) {
    const hold = store.cacheMounts.acquire(lease, [request])
    const mount = hold?.mounts[0]
    if (hold !== undefined && mount !== undefined) {
      if (mount.isNew) mount.filled()
      return { path: mount.path, release: () => hold.release() }
    }
    // Another process is making it this moment.
    await delay(20)
  }
}

async function unpackAll(
  source: PackageSource,
  packages: readonly Package[],
  { folder, onEvent, signal }: { folder: string; onEvent: BaseOptions['onEvent']; signal?: AbortSignal | undefined },
): Promise<readonly UnpackedPackage[]> {
  const unpacked = new Map<Package, UnpackedPackage>()
  await forEachParallel(packages, PARALLEL, signal, async (found, abort) => {
    const path = await source.fetch({ ...found, uris: found.repository.uris }, abort)
    const what = `package ${found.name} ${found.version}`
    const deb = await unpackDeb(path, { what, folder, keeps: isNoDocumentation })
    unpacked.set(found, { package: found, deb })
    onEvent({ kind: 'unpacked', package: found })
  })
  return packages.map(found => unpacked.get(found) as UnpackedPackage)
}

interface ImageParts extends BaseOptions {
  readonly unpacked: readonly UnpackedPackage[]
  /** Milliseconds since 1970. */
  readonly created: number
}

async function writeImage(store: Store, lease: Lease, parts: ImageParts): Promise<BaseImage['digest']> {
  const { unpacked, layering, packages, platform, config } = parts
  const byName = new Map(unpacked.map(one => [one.package.name, one]))
  const named = new Set(packages.map(name => name.replace(/[:=].*$/, '')))
  const groups = groupPackages(
    unpacked.map(one => one.package),
    named,
    layering,
  )
  const layers: { readonly layer: BaseLayer; readonly about: string }[] = []
  const add = async (name: string, members: readonly Package[], files: Parameters<typeof packFiles>[1]) => {
    const layer = await packFiles({ store, lease }, files, parts)
    const list = members.map(({ name: own, version }) => `${own} ${version}`).join(', ')
    layers.push({ layer, about: `shale base: ${name}${list === '' ? '' : `: ${list}`}` })
    parts.onEvent({ kind: 'layer', name, packages: members.length, layer })
  }
  for (const { name, packages: members } of groups) {
    const files = members.flatMap(one => filesOf(byName.get(one.name) as UnpackedPackage, byName))
    await add(name, members, files)
  }
  await add('settings', [], [settingsOf(unpacked)])
  const created = new Date(parts.created).toISOString()
  const rawConfig = JSON.stringify({
    created,
    architecture: platform.architecture,
    os: 'linux',
    ...(platform.variant !== undefined && { variant: platform.variant }),
    config: withEnvironment(config, byName.has('ca-certificates')),
    rootfs: { type: 'layers', diff_ids: layers.map(({ layer }) => layer.diffId) },
    history: layers.map(({ about }) => ({ created, created_by: about, comment: 'shale' })),
  })
  const { digest, size } = await store.blobs.put(lease, Buffer.from(rawConfig))
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    config: { mediaType: MediaType.ociConfig, digest, size },
    layers: layers.map(({ layer: { blob } }) => descriptorOf(blob)),
  }
  return (await store.images.add(lease, Buffer.from(JSON.stringify(manifest)), MediaType.ociManifest)).digest
}

function descriptorOf({ mediaType, digest, size, annotations }: BaseLayer['blob']): Manifest['layers'][number] {
  const some = annotations !== undefined && Object.keys(annotations).length > 0
  return { mediaType, digest, size, ...(some && { annotations }) }
}

const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** What is not given: a path, and where programs find the certificates. */
function withEnvironment(config: ExecutionConfig, certificates: boolean): ExecutionConfig {
  const usual = [PATH, ...(certificates ? [`SSL_CERT_FILE=/${CERTIFICATES}`] : [])]
  const given = config.Env ?? []
  const isGiven = (line: string) => given.some(one => one.split('=')[0] === line.split('=')[0])
  return { ...config, Env: [...usual.filter(line => !isGiven(line)), ...given] }
}
