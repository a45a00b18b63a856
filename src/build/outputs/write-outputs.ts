import { createReadStream, mkdirSync, mkdtempSync, realpathSync, rmSync, utimesSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { dockerItems } from '../../archive/save-docker.ts'
import { ociItems } from '../../archive/save-oci.ts'
import type { Selected } from '../../archive/selection.ts'
import { writeFileWhole } from '../../archive/write-file.ts'
import { writeFolder } from '../../archive/write-folder.ts'
import { tarOf } from '../../archive/write-tar.ts'
import { isErrno, ShaleError } from '../../error.ts'
import { toByteString } from '../../layer/entry.ts'
import type { Digest } from '../../oci/digest.ts'
import { MediaType } from '../../oci/media-types.ts'
import { formatReference, parseReference } from '../../oci/reference.ts'
import { unpackArchive } from '../../remote/unpack.ts'
import { END_OF_ARCHIVE } from '../../tar/write.ts'
import type { PlatformBuild } from '../platform-build.ts'
import type { BuildSession } from '../session.ts'
import type { StageState } from '../stage-state.ts'
import { writeFlatTar } from './flat-layer.ts'
import { mergeFolder } from './merge-folder.ts'
import type { Destination, Output } from './output.ts'

/** A platform's build that is finished. */
interface Solved {
  readonly build: PlatformBuild
  readonly state: StageState
  /** `linux/amd64`; empty when there is only one platform. */
  readonly label: string
}

/** What has been built. */
interface Made {
  readonly session: BuildSession
  readonly platforms: readonly Solved[]
  /** Manifest or index; undefined when no output needs one. */
  readonly id: Digest | undefined
  readonly tags: readonly string[]
}

/**
 * Writes outputs one after the other, each under a temporary name beside its own until it is whole. Throws
 * `OUTPUT_CONFLICT`, `OUTPUT_PLATFORMS`, `OUTPUT_UNWRITABLE`.
 */
export async function writeOutputs(made: Made, outputs: readonly Output[]): Promise<void> {
  for (const output of outputs) {
    try {
      await writeOutput(made, output)
    } catch (error) {
      throw explained(error, output)
    }
  }
}

async function writeOutput(made: Made, output: Output): Promise<void> {
  switch (output.type) {
    case 'local':
      return writeLocal(made, output.folder)
    case 'tar':
      return writeBytes(output.to, filesTar(made))
    case 'oci':
      return writeBytes(output.to, tarOf(ociItems(made.session.store, [selected(made, output.names)])))
    case 'oci-layout':
      return writeFolder(output.folder, ociItems(made.session.store, [selected(made, output.names)]))
    case 'docker':
      return writeDocker(made, output.to, output.names)
    case 'image':
    case 'cacheonly':
      return
    default:
      return output satisfies never
  }
}

function selected({ id, tags }: Made, names: readonly string[]): Selected {
  if (id === undefined) throw new Error('no image was made')
  return { id, names: [...new Set([...tags, ...names].map(name => formatReference(parseReference(name))))] }
}

async function writeDocker(made: Made, to: Destination, names: readonly string[]): Promise<void> {
  const [only, ...more] = made.platforms
  if (only === undefined || more.length > 0) {
    throw new ShaleError('OUTPUT_PLATFORMS', 'a docker-archive holds an image for one platform', {
      hint: 'name one with --platform, or write an OCI archive: -o type=oci,dest=FILE',
    })
  }
  const image = selected(made, names)
  const { store, lease } = made.session
  const isKnown = store.images.get(image.id) !== undefined
  // It is read as images of the store are: for so long it is one.
  if (!isKnown) await store.images.add(lease, await store.blobs.read(image.id), MediaType.ociManifest)
  try {
    await writeBytes(to, tarOf(dockerItems(store, [image], only.state.platform)))
  } finally {
    if (!isKnown) store.images.remove(image.id)
  }
}

async function writeBytes(to: Destination, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  if (typeof to !== 'string') {
    for await (const chunk of bytes) await to(chunk)
    return
  }
  mkdirSync(dirname(to), { recursive: true })
  await writeFileWhole(to, bytes)
}

/** With several platforms each has a folder of its own: `linux_amd64`. */
function prefixOf({ label }: Solved): string {
  return label.replaceAll('/', '_')
}

/** The tars of all platforms as one. */
async function* filesTar({ platforms, session }: Made): AsyncGenerator<Uint8Array> {
  for (const [index, solved] of platforms.entries()) {
    const out = join(session.scratch.make(), 'files.tar')
    await writeFlatTar(solved.build, solved.state, { out, prefix: toByteString(prefixOf(solved)) })
    const last = index === platforms.length - 1
    yield* last ? createReadStream(out) : withoutEnd(createReadStream(out))
    rmSync(out)
  }
}

/** An archive ends with blocks of zeros; what comes after them nobody reads. */
async function* withoutEnd(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held = Buffer.alloc(0)
  for await (const chunk of bytes) {
    held = Buffer.concat([held, chunk])
    const free = held.byteLength - END_OF_ARCHIVE.byteLength
    if (free <= 0) continue
    yield held.subarray(0, free)
    held = held.subarray(free)
  }
}

/** Files belong to whoever builds, and what only root may make is left out. */
async function writeLocal({ platforms, session }: Made, folder: string): Promise<void> {
  mkdirSync(dirname(folder), { recursive: true })
  const parent = realpathSync(dirname(folder))
  const temporary = mkdtempSync(join(parent, `.${basename(folder)}.`))
  try {
    const files = join(temporary, 'files')
    mkdirSync(files)
    for (const solved of platforms) {
      const out = join(session.scratch.make(), 'files.tar')
      await writeFlatTar(solved.build, solved.state, { out, prefix: '' })
      const into = join(files, prefixOf(solved))
      mkdirSync(into, { recursive: true })
      await unpackArchive(createReadStream(out), into, session.signal)
      rmSync(out)
      utimesSync(into, new Date(), new Date())
    }
    mergeFolder(files, targetOf(folder))
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}

/** The folder may be given as a link to one. */
function targetOf(folder: string): string {
  try {
    return realpathSync(folder)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return folder
    throw error
  }
}

function explained(error: unknown, output: Output): unknown {
  if (!isErrno(error, 'EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EISDIR', 'ENOSPC')) return error
  return new ShaleError('OUTPUT_UNWRITABLE', `cannot write the output of type ${output.type}: ${error.message}`, {
    cause: error,
  })
}
