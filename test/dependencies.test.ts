import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import test from 'node:test'
import { packagesOf, typescriptFiles } from '../scripts/imports.ts'

const ROOT = join(import.meta.dirname, '..')

/** Every package that an installed Shale may bring, and why. docs/decisions/0001 tells what else was looked at. */
const ALLOWED: Readonly<
  Record<string, { readonly why: string; readonly installScript?: true; readonly licence?: string }>
> = {
  bcryptjs: { why: 'checks passwords of htpasswd files; plain JavaScript without dependencies' },
  commander: { why: 'reads command-line flags; no dependencies of its own' },
  // Its script only looks whether the compiled library is there; the next test holds that it does not need to run.
  koffi: { why: 'calls the C library: mount, pivot_root, xattrs, openat2', installScript: true },
  // The one package that is not permissive: it stays outside of the bundle, so that anybody can put in another version.
  openpgp: { why: 'checks the signatures of package archives; no dependencies', licence: 'LGPL-3.0+' },
  unbash: { why: 'parses the shell scripts of RUN; no dependencies of its own' },
  yaml: { why: 'reads configuration files and says where in them a mistake is; no dependencies of its own' },
  zod: { why: 'checks everything that comes from outside: manifests, configs, registry answers' },
}

/** koffi's compiled library for one platform each; npm installs the one that fits. */
const KOFFI_BINARY = /^@koromix\/koffi-[a-z0-9]+-[a-z0-9]+$/

interface LockedPackage {
  readonly dev?: boolean
  readonly optional?: boolean
  readonly hasInstallScript?: boolean
  readonly license?: string
  readonly resolved?: string
  readonly dependencies?: Readonly<Record<string, string>>
}

function readJson(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(ROOT, name), 'utf8'))
}

const { dependencies } = readJson('package.json') as { dependencies: Readonly<Record<string, string>> }
const { packages } = readJson('package-lock.json') as { packages: Readonly<Record<string, LockedPackage>> }

/** Packages that npm installs with Shale, by name. */
const installed = Object.entries(packages)
  .filter(([path, { dev }]) => path !== '' && dev !== true)
  .map(([path, locked]) => [path.replace(/^.*node_modules\//, ''), locked] as const)

test('package.json names the allowed dependencies, each at one exact version', () => {
  for (const [name, version] of Object.entries(dependencies)) {
    assert.ok(name in ALLOWED, `${name} is not on the list`)
    assert.match(version, /^\d+\.\d+\.\d+$/, `${name} is pinned`)
  }
})

test('nothing else comes with them', () => {
  const unexpected = installed.filter(([name]) => !(name in ALLOWED) && !KOFFI_BINARY.test(name)).map(([name]) => name)
  assert.deepEqual(unexpected, [])
})

test('no install script runs but koffi’s look-up', () => {
  const scripts = installed.filter(([, { hasInstallScript }]) => hasInstallScript).map(([name]) => name)
  assert.deepEqual(
    scripts,
    Object.keys(ALLOWED).filter(name => ALLOWED[name]?.installScript),
  )
})

test('koffi finds its library in an optional package, so --ignore-scripts is enough', () => {
  const binaries = installed.filter(([name]) => KOFFI_BINARY.test(name))
  assert.ok(
    binaries.some(([name]) => name.endsWith('-linux-x64')) && binaries.some(([name]) => name.endsWith('-linux-arm64')),
  )
  for (const [name, { optional, hasInstallScript }] of binaries) {
    assert.ok(optional && !hasInstallScript, `${name} is optional and runs nothing`)
  }
})

test('every package has a permissive licence and no source but the registry', () => {
  for (const [name, { resolved, license }] of installed) {
    if (ALLOWED[name]?.licence !== undefined) assert.equal(license, ALLOWED[name].licence, name)
    else assert.match(license ?? '', /^(MIT|ISC|Apache-2\.0|BSD-[23]-Clause)$/, name)
    if (resolved !== undefined) assert.match(resolved, /^https:\/\/registry\.npmjs\.org\//, name)
  }
})

test('the code imports only Node and the allowed packages', () => {
  for (const path of typescriptFiles(ROOT, ['src'])) {
    for (const name of packagesOf(ROOT, path)) {
      assert.ok((name.startsWith('node:') && isBuiltin(name)) || packageOf(name) in ALLOWED, `${path} imports ${name}`)
    }
  }
})

/** `zod` for `zod/mini`: a package's parts come with it. */
function packageOf(specifier: string): string {
  return /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier
}
