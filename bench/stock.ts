import { createHash } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { mustRun } from '../scripts/bases/process.ts'
import { busyboxRootfs } from '../test/support/busybox.ts'
import { treeContext } from './contexts/contexts.ts'
import { DOCKERFILES, type DockerfileName } from './contexts/dockerfiles.ts'
import { BIN, shaleEnv } from './engines/shale.ts'

export const MANY = 1_000

/** What scenarios start from, made when first asked for: paths of files that every engine can read. */
export interface Stock {
  /** A docker-archive of the image `base`. */
  readonly base: () => Promise<string>
  /** A docker-archive of the image `tree`: `base` and the tree of `files` files. */
  readonly tree: () => Promise<string>
  /** A docker-archive of 1,000 images `many:N`, which share one small layer. */
  readonly many: () => Promise<string>
  readonly dockerfile: (name: DockerfileName) => Promise<string>
}

export function openStock(work: string, files: number): Stock {
  const root = join(work, 'stock')
  const shale = (...args: readonly string[]) => mustRun(process.execPath, [BIN, ...args], { env: shaleEnv(root) })
  const dockerfile = async (name: DockerfileName) => {
    const path = join(work, `Dockerfile.${name}`)
    await writeFile(path, DOCKERFILES[name])
    return path
  }
  const save = async (image: string) => {
    const path = join(work, `${image}.tar`)
    await shale('save', '-o', path, image)
    return path
  }
  const base = once(async () => {
    const text = 'FROM scratch\nCOPY . /\nENV PATH=/usr/sbin:/usr/bin:/sbin:/bin\nCMD ["sh"]\n'
    await writeFile(join(work, 'Dockerfile.base'), text)
    await shale('build', '-q', '-f', join(work, 'Dockerfile.base'), '-t', 'base', await busyboxRootfs())
    return save('base')
  })
  const tree = once(async () => {
    await base()
    await shale('build', '-q', '-f', await dockerfile('copy'), '-t', 'tree', await treeContext(files))
    return save('tree')
  })
  return { base, tree, many: once(() => manyImages(work)), dockerfile }
}

/** What failed is tried again the next time. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined
      throw error
    })
    return made
  }
}

async function manyImages(work: string): Promise<string> {
  const folder = join(work, 'many')
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'file'), 'one small layer\n')
  await mustRun('tar', ['--owner=0', '--group=0', '-C', folder, '-cf', join(folder, 'layer.tar'), 'file'])
  const digest = (await mustRun('sha256sum', [join(folder, 'layer.tar')])).slice(0, 64)
  const images = Array.from({ length: MANY }, (_, i) => manyConfig(i, digest))
  for (const { path, text } of images) await writeFile(join(folder, path), text)
  const manifest = images.map(({ path }, i) => ({ Config: path, RepoTags: [`many:${i}`], Layers: ['layer.tar'] }))
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest))
  const archive = join(work, 'many.tar')
  await mustRun('tar', ['-C', folder, '--exclude=./file', '--transform=s,^\\./,,', '-cf', archive, '.'])
  await rm(folder, { recursive: true })
  return archive
}

function manyConfig(index: number, diffId: string): { readonly path: string; readonly text: string } {
  const created = '2026-01-01T00:00:00Z'
  const text = JSON.stringify({
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    created,
    config: { Labels: { index: String(index) } },
    rootfs: { type: 'layers', diff_ids: [`sha256:${diffId}`] },
    history: [{ created, created_by: 'COPY file /' }],
  })
  return { path: `${createHash('sha256').update(text).digest('hex')}.json`, text }
}
