import { arch as nodeArch } from 'node:process'
import { ShaleError } from '../error.ts'

/** What an image runs on. Source: OCI image-spec v1.1 image-index.md, `platform`. */
export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string | undefined
  readonly 'os.version'?: string | undefined
}

const ARCHITECTURES: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  'x86-64': 'amd64',
  aarch64: 'arm64',
  armhf: 'arm',
  armel: 'arm',
  i386: '386',
  x64: 'amd64',
  ia32: '386',
  loong64: 'loong64',
}

/** Names as containerd normalises them: `x86_64` → amd64, `aarch64` → arm64/v8 without variant, `arm` → arm/v7. */
export function normalizePlatform(platform: Platform): Platform {
  const os = platform.os.toLowerCase() === 'macos' ? 'darwin' : platform.os.toLowerCase()
  const raw = platform.architecture.toLowerCase()
  const architecture = ARCHITECTURES[raw] ?? raw
  const given = platform.variant === '' ? undefined : platform.variant?.toLowerCase()
  const variant = normalizeVariant(raw, architecture, given)
  const version = platform['os.version']
  return { os, architecture, ...(variant && { variant }), ...(version && { 'os.version': version }) }
}

function normalizeVariant(raw: string, architecture: string, variant: string | undefined): string | undefined {
  if (architecture === 'arm64') return variant === '8' || variant === 'v8' ? undefined : variant
  if (architecture === 'amd64') return variant === 'v1' ? undefined : variant
  if (architecture !== 'arm') return variant
  if (raw === 'armel') return 'v6'
  if (variant === undefined) return 'v7'
  return /^\d$/.test(variant) ? `v${variant}` : variant
}

/** The platform of this machine. Images are Linux images, also on a machine that is not. */
export function hostPlatform(): Platform {
  return normalizePlatform({ os: 'linux', architecture: nodeArch })
}

/** Go's names, which images are labelled with. Source: OCI image-spec v1.1 config.md, `os` and `architecture`. */
const OPERATING_SYSTEMS: ReadonlySet<string> = new Set(
  'aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris wasi wasip1 windows zos'.split(
    ' ',
  ),
)
const KNOWN_ARCHITECTURES: ReadonlySet<string> = new Set(
  (
    '386 amd64 amd64p32 arm arm64 arm64be armbe loong64 mips mips64 mips64le mips64p32 mips64p32le mipsle ' +
    'ppc ppc64 ppc64le riscv riscv64 s390 s390x sparc sparc64 wasm'
  ).split(' '),
)

/** Parses `os`, `arch`, `os/arch` or `os/arch/variant` as `--platform` takes it. Throws `INVALID_PLATFORM`. */
export function parsePlatform(text: string): Platform {
  const parts = text.split('/')
  if (parts.length > 3 || !parts.every(part => /^[A-Za-z0-9_.-]+$/.test(part))) {
    throw invalidPlatform(text, text.includes(',') ? 'name one platform; an image is for one' : undefined)
  }
  const [first = '', second, variant] = parts
  const host = hostPlatform()
  const given = { os: first, architecture: second ?? host.architecture, variant }
  const platform = normalizePlatform(
    second === undefined && !isSystem(first) ? { ...host, architecture: first } : given,
  )
  if (!isSystem(platform.os)) throw invalidPlatform(text, `unknown operating system ${JSON.stringify(first)}`)
  if (KNOWN_ARCHITECTURES.has(platform.architecture)) return platform
  const what = second === undefined ? 'operating system or architecture' : 'architecture'
  throw invalidPlatform(text, `unknown ${what} ${JSON.stringify(second ?? first)}`)
}

function isSystem(name: string): boolean {
  return name.toLowerCase() === 'macos' || OPERATING_SYSTEMS.has(name.toLowerCase())
}

function invalidPlatform(text: string, why?: string): ShaleError {
  return new ShaleError('INVALID_PLATFORM', `invalid platform ${JSON.stringify(text)}${why ? `: ${why}` : ''}`, {
    hint: 'write it as os/architecture, such as linux/amd64 or linux/arm/v7',
  })
}

export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = normalizePlatform(platform)
  return variant ? `${os}/${architecture}/${variant}` : `${os}/${architecture}`
}
