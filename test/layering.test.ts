import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { type Import, importsOf, typescriptFiles } from '../scripts/imports.ts'

const ROOT = join(import.meta.dirname, '..')

/**
 * The rooms of `src/`, lowest first, each with the rooms that it may import. A room may only name rooms above it in this
 * list, so there is no circle. docs/architecture.md says what lives where.
 */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  'error.ts': [],
  'version.ts': [],
  'koffi.ts': [],
  oci: ['error.ts'],
  // The language is pure: it knows neither images nor files.
  dockerfile: ['error.ts'],
  tar: ['error.ts'],
  layer: ['error.ts', 'koffi.ts', 'oci', 'tar'],
  // Deleting files of mapped users is the sandbox's; the store gets it handed in.
  store: ['error.ts', 'oci', 'layer'],
  rootfs: ['error.ts', 'layer', 'store'],
  // Ports, addresses and who carries them; it knows no containers.
  network: ['error.ts'],
  // Runs commands on trees by their paths; it knows no store.
  sandbox: ['error.ts', 'koffi.ts', 'oci', 'layer', 'rootfs', 'network'],
  transfer: ['error.ts', 'oci', 'layer', 'store'],
  archive: ['error.ts', 'oci', 'tar', 'layer', 'store', 'transfer'],
  // Of the language only its "did you mean".
  config: ['error.ts', 'dockerfile'],
  registry: ['error.ts', 'config', 'oci', 'dockerfile', 'layer', 'store', 'transfer'],
  // From anywhere to anywhere: the places that are known above.
  copy: ['error.ts', 'oci', 'dockerfile', 'store', 'transfer', 'archive', 'registry'],
  // Sources that are fetched: git by its program, files by HTTP with the registry's transport.
  remote: ['error.ts', 'version.ts', 'oci', 'layer', 'registry'],
  // What to think of a Dockerfile or an image: from what is there, without building it.
  advise: ['error.ts', 'config', 'oci', 'dockerfile', 'layer', 'store', 'rootfs'],
  // Base images are pulled through a function that it is given.
  build: [
    ...['error.ts', 'version.ts', 'koffi.ts', 'oci', 'dockerfile', 'tar', 'layer', 'store', 'rootfs', 'sandbox'],
    ...['archive', 'remote', 'advise'],
  ],
  // An image built again from what was recorded, and what differs.
  rebuild: [...['error.ts', 'version.ts', 'oci', 'layer', 'store', 'sandbox', 'transfer', 'remote', 'build']],
  // Packages of distributions, made into images.
  base: ['error.ts', 'version.ts', 'dockerfile', 'oci', 'tar', 'layer', 'store', 'transfer', 'registry'],
  // A build's steps in registries and folders.
  cache: ['error.ts', 'dockerfile', 'oci', 'layer', 'store', 'transfer', 'archive', 'registry', 'copy', 'build'],
  container: ['error.ts', 'oci', 'layer', 'store', 'rootfs', 'network', 'sandbox', 'build'],
  // Versions, tags and where they point; git and the project's files are read here and nowhere else.
  release: ['error.ts', 'config', 'oci', 'dockerfile', 'store', 'transfer', 'registry'],
  // Asks every room that needs something of the machine.
  doctor: ['error.ts', 'store', 'sandbox', 'registry'],
  cli: [
    ...['error.ts', 'version.ts', 'oci', 'dockerfile', 'layer', 'store', 'rootfs', 'network', 'sandbox'],
    ...[
      'transfer',
      'archive',
      'registry',
      'copy',
      'remote',
      'advise',
      'base',
      'build',
      'rebuild',
      'cache',
      'container',
      'release',
      'doctor',
    ],
  ],
  'index.ts': [
    ...['error.ts', 'oci', 'dockerfile', 'layer', 'store', 'rootfs', 'sandbox', 'transfer'],
    ...['archive', 'registry', 'copy', 'remote', 'advise', 'build', 'rebuild', 'cache', 'container', 'release'],
  ],
}

/** The only files outside `src/` that it may read: the version is the package's. */
const OUTSIDE = new Set(['package.json'])

function roomOf(path: string): string {
  return path.split('/')[1] ?? ''
}

/** Tests may use what their subject is used with; the code itself may not. */
function isTest(path: string): boolean {
  return /\.test\.ts$|\.test-helper\.ts$|\/testing[^/]*\.ts$/.test(path)
}

function violation({ from, to }: Import): string | undefined {
  if (!to.startsWith('src/')) return OUTSIDE.has(to) ? undefined : `${from} imports ${to}, outside src/`
  const [room, other] = [roomOf(from), roomOf(to)]
  if (room === other) return undefined
  return ROOMS[room]?.includes(other) ? undefined : `${from} imports ${to}: ${room} may not import ${other}`
}

test('rooms name only rooms below them', () => {
  const names = Object.keys(ROOMS)
  for (const [room, below] of Object.entries(ROOMS)) {
    for (const other of below) assert.ok(names.indexOf(other) < names.indexOf(room), `${room} lists ${other}`)
  }
})

test('every file of src is in a known room', () => {
  for (const path of typescriptFiles(ROOT, ['src'])) assert.ok(roomOf(path) in ROOMS, `${path} is in no known room`)
})

test('no module imports one of a higher room', () => {
  const files = typescriptFiles(ROOT, ['src']).filter(path => !isTest(path))
  assert.ok(files.length > 100, 'the files were found')
  const found = files.flatMap(path => importsOf(ROOT, path)).flatMap(one => violation(one) ?? [])
  assert.deepEqual(found, [])
})

test('code does not import tests or their helpers', () => {
  const files = typescriptFiles(ROOT, ['src']).filter(path => !isTest(path))
  const found = files.flatMap(path => importsOf(ROOT, path)).filter(({ to }) => isTest(to))
  assert.deepEqual(found, [])
})

test('every relative import names a file, extension and all', () => {
  const files = typescriptFiles(ROOT, ['src', 'test', 'scripts'])
  const found = files.flatMap(path => importsOf(ROOT, path)).filter(({ to }) => !existsSync(join(ROOT, to)))
  assert.deepEqual(found, [])
})
