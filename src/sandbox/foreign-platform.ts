import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ShaleError } from '../error.ts'
import { formatPlatform, hostPlatform, type Platform } from '../oci/platform.ts'

const BINFMT = '/proc/sys/fs/binfmt_misc'

/** What stands in an ELF header of the architecture: class and byte order, machine. Source: elf(5), <elf.h>. */
const ELF: Readonly<Record<string, { readonly ident: string; readonly machine: number; readonly qemu: string }>> = {
  amd64: { ident: '0201', machine: 62, qemu: 'x86_64' },
  '386': { ident: '0101', machine: 3, qemu: 'i386' },
  arm64: { ident: '0201', machine: 183, qemu: 'aarch64' },
  arm: { ident: '0101', machine: 40, qemu: 'arm' },
  ppc64le: { ident: '0201', machine: 21, qemu: 'ppc64le' },
  s390x: { ident: '0202', machine: 22, qemu: 's390x' },
  riscv64: { ident: '0201', machine: 243, qemu: 'riscv64' },
  mips64le: { ident: '0201', machine: 8, qemu: 'mips64el' },
  loong64: { ident: '0201', machine: 258, qemu: 'loongarch64' },
}

/** Which other architectures a processor of ours runs by itself. */
const NATIVE: Readonly<Record<string, readonly string[]>> = { amd64: ['386'], arm64: ['arm'] }

/**
 * Throws `PLATFORM_NOT_RUNNABLE` when programs of a platform cannot run here: neither the processor does nor an emulator
 * that is registered with the kernel, and says what to install. `folder` is where binfmt_misc is mounted.
 */
export function checkRunnable(platform: Platform, host: Platform = hostPlatform(), folder = BINFMT): void {
  const { os, architecture } = platform
  if (os === host.os && architecture === host.architecture) return
  const name = formatPlatform(platform)
  if (os !== 'linux') {
    throw new ShaleError(
      'PLATFORM_NOT_RUNNABLE',
      `RUN cannot run programs of ${name}: Shale runs those of Linux only`,
      {
        hint: 'use COPY and the like only, or FROM --platform=$BUILDPLATFORM and a cross-compiler',
      },
    )
  }
  if (NATIVE[host.architecture]?.includes(architecture)) return
  const found = emulatorFor(architecture, folder)
  if (found?.fixed) return
  const why =
    found === undefined
      ? 'no emulator for it is registered'
      : `its emulator ${found.interpreter} is registered without the flag F, so that containers cannot find it`
  throw new ShaleError(
    'PLATFORM_NOT_RUNNABLE',
    `RUN cannot run programs of ${name} on ${formatPlatform(host)}: ${why}`,
    {
      hint: `install qemu-${ELF[architecture]?.qemu ?? architecture}: on Debian and Ubuntu, apt-get install qemu-user-static (as root); or FROM --platform=$BUILDPLATFORM and a cross-compiler`,
    },
  )
}

interface Emulator {
  readonly interpreter: string
  /** The kernel has it open: it need not be in the container. */
  readonly fixed: boolean
}

/** What is registered for an architecture's programs. Source: Linux, Documentation/admin-guide/binfmt-misc.rst. */
function emulatorFor(architecture: string, folder: string): Emulator | undefined {
  const elf = ELF[architecture]
  if (elf === undefined) return undefined
  const found = registrations(folder).filter(text => registeredFor(text, elf))
  const emulators = found.map(text => ({
    interpreter: /^interpreter (.*)$/m.exec(text)?.[1] ?? '',
    fixed: /^flags:.*F/m.test(text),
  }))
  return emulators.find(({ fixed }) => fixed) ?? emulators[0]
}

function registrations(folder: string): readonly string[] {
  try {
    if (/disabled/.test(readFileSync(join(folder, 'status'), 'utf8'))) return []
    const names = readdirSync(folder).filter(name => name !== 'register' && name !== 'status')
    return names.map(name => readFileSync(join(folder, name), 'utf8'))
  } catch {
    // Not mounted, or not for us to read.
    return []
  }
}

function registeredFor(
  text: string,
  { ident, machine }: { readonly ident: string; readonly machine: number },
): boolean {
  if (!/^enabled$/m.test(text) || !/^offset 0$/m.test(text)) return false
  const magic = /^magic ([0-9a-f]+)$/m.exec(text)?.[1] ?? ''
  const low = (machine & 0xff).toString(16).padStart(2, '0')
  const high = (machine >> 8).toString(16).padStart(2, '0')
  const field = ident.endsWith('02') ? high + low : low + high
  return magic.startsWith(`7f454c46${ident}`) && magic.slice(36, 40) === field
}
