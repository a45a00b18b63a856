import { NAMES as AARCH64 } from './numbers-aarch64.ts'
import { NAMES as ARM } from './numbers-arm.ts'
import { NAMES as I386 } from './numbers-i386.ts'
import { NAMES as X86_64 } from './numbers-x86_64.ts'

/** An architecture whose system calls we can filter, by its name in the runtime-spec. */
export interface FilterArch {
  readonly name: 'SCMP_ARCH_X86_64' | 'SCMP_ARCH_X86' | 'SCMP_ARCH_AARCH64' | 'SCMP_ARCH_ARM'
  /** AUDIT_ARCH_… of include/uapi/linux/audit.h. */
  readonly audit: number
  readonly numbers: ReadonlyMap<string, number>
}

/** What a machine executes, its own architecture first. Empty where we have no table. */
export function filterArchs(machine: string): readonly FilterArch[] {
  switch (machine) {
    case 'x64':
      return [
        { name: 'SCMP_ARCH_X86_64', audit: 0xc000003e, numbers: numbersOf(X86_64) },
        { name: 'SCMP_ARCH_X86', audit: 0x40000003, numbers: numbersOf(I386) },
      ]
    case 'arm64':
      return [
        { name: 'SCMP_ARCH_AARCH64', audit: 0xc00000b7, numbers: numbersOf(AARCH64) },
        { name: 'SCMP_ARCH_ARM', audit: 0x40000028, numbers: numbersOf(ARM) },
      ]
    default:
      return []
  }
}

function numbersOf(names: string): ReadonlyMap<string, number> {
  const numbers = new Map<string, number>()
  let next = 0
  // Each container's start waits for this, so it is without regular expressions.
  for (const word of names.replaceAll('\n', ' ').split(' ')) {
    if (word === '') continue
    if (word <= '9~') next = Number(word)
    else numbers.set(word, next++)
  }
  return numbers
}
