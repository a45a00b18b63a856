import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ShaleError } from '../../src/error.ts'
import { cached } from './cache.ts'
import { enter } from './enter.ts'
import { mustRun } from './process.ts'

const SUITE = 'trixie'
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'
/** Comes with the versions of debian-archive-keyring that hold the suite's keys. */
const SUITE_KEY = `/usr/share/keyrings/debian-archive-${SUITE}-automatic.gpg`
const DEFAULT_MIRROR = 'http://deb.debian.org/debian'
const APT_ENV: NodeJS.ProcessEnv = { DEBIAN_FRONTEND: 'noninteractive' }

/** Documentation is left out, and nothing is fsynced: a root that breaks half-way is made again. */
const DPKG_LEAN = `force-unsafe-io
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/info/*
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/man/*
`
const APT_LEAN = `APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::Retries "3";
`

/** Throws, in one line, what this machine lacks for making Debian roots. */
export function assertCanMakeRoots(): void {
  if (process.platform !== 'linux' || !existsSync('/usr/bin/apt-get')) {
    throw new ShaleError(
      'NEEDS_DEBIAN',
      'Debian roots are made with apt-get and debootstrap; this machine has no apt-get',
      {
        hint: 'run this on a Debian machine or in a Debian container',
      },
    )
  }
  if (process.getuid?.() !== 0) {
    throw new ShaleError('NEEDS_ROOT', 'debootstrap makes files of other owners and device nodes; this needs root', {
      hint: 'run the same command with sudo',
    })
  }
}

/** A minimal Debian 13 root folder, made once and then only copied: never change it. */
export function debianRoot(): Promise<string> {
  return cached(`${SUITE}-minbase`, async path => {
    assertCanMakeRoots()
    await needPackage('debootstrap', '/usr/sbin/debootstrap')
    await needKeyring()
    const args = ['--variant=minbase', `--keyring=${KEYRING}`, SUITE, path, await mirror()]
    await mustRun('debootstrap', args, { timeoutMs: 20 * 60_000 })
    await writeFile(join(path, 'etc/dpkg/dpkg.cfg.d/lean'), DPKG_LEAN)
    await writeFile(join(path, 'etc/apt/apt.conf.d/lean'), APT_LEAN)
    // Packages must not start their servers: this is a file tree, not a machine.
    await writeFile(join(path, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n', { mode: 0o755 })
    for (const folder of ['doc', 'info', 'locale', 'man']) await empty(join(path, 'usr/share', folder))
    // update-alternatives of some packages fails without it.
    await mkdir(join(path, 'usr/share/man/man1'))
    await empty(join(path, 'var/cache/apt'))
    await enterApt(path, 'update')
  })
}

/** Copies `from` to `to` (which must not exist) and installs packages into the copy. */
export async function extendRoot(from: string, to: string, packages: readonly string[]): Promise<void> {
  await mustRun('cp', ['-a', '--reflink=auto', from, to])
  if (packages.length === 0) return
  await enterApt(to, 'install', '-y', ...packages)
  await empty(join(to, 'var/cache/apt'))
}

async function enterApt(root: string, ...args: readonly string[]): Promise<void> {
  const outcome = await enter(root, ['apt-get', '-q', ...args], { env: APT_ENV, timeoutMs: 20 * 60_000 })
  if (outcome.code === 0) return
  const said = `${outcome.stdout}\n${outcome.stderr}`.trim().split('\n').slice(-15).join('\n')
  throw new ShaleError('APT_FAILED', `apt-get ${args.join(' ')} in ${root} ended with ${outcome.code}:\n${said}`)
}

/** Empties a folder, which stays. */
export async function empty(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true })
}

/** Installs a package of the host when the file that it brings is missing. */
export async function needPackage(name: string, file: string): Promise<void> {
  if (existsSync(file)) return
  const install = ['-o', 'DPkg::Lock::Timeout=120', 'install', '-y', '-q', '--no-install-recommends', name]
  const first = await mustRun('apt-get', install, { env: { ...process.env, ...APT_ENV } }).catch(() => undefined)
  if (first !== undefined) return
  await mustRun('apt-get', ['update', '-q'])
  await mustRun('apt-get', install, { env: { ...process.env, ...APT_ENV } })
}

/**
 * Debian 12 learned the keys of Debian 13 in an update of its keyring package. A machine without that update gets it
 * through its own apt, which checks it with the keys that the machine already trusts. Signatures are always checked.
 */
async function needKeyring(): Promise<void> {
  if (existsSync(SUITE_KEY)) return
  await mustRun('apt-get', ['update', '-q'])
  await mustRun('apt-get', ['install', '-y', '-q', 'debian-archive-keyring'], { env: { ...process.env, ...APT_ENV } })
  if (existsSync(SUITE_KEY)) return
  throw new ShaleError('NO_SUITE_KEY', `debian-archive-keyring of this machine has no key of Debian ${SUITE}`, {
    hint: 'upgrade the package debian-archive-keyring',
  })
}

/** The first Debian mirror that apt's own sources name. */
async function mirror(): Promise<string> {
  const folder = '/etc/apt/sources.list.d'
  const names = await readdir(folder).catch(() => [])
  const files = [
    '/etc/apt/sources.list',
    ...names.filter(name => /\.(list|sources)$/.test(name)).map(n => join(folder, n)),
  ]
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => '')
    const found = /^(?:deb\s+(?:\[.*?\]\s+)?|URIs:\s*)(https?:\/\/\S+\/debian)\/?(?:\s|$)/m.exec(text)
    if (found?.[1] !== undefined) return found[1]
  }
  return DEFAULT_MIRROR
}
