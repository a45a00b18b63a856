import { ShaleError } from '../../src/error.ts'

/** Something that takes bytes from outside. */
export interface Target {
  /** Pieces of its language, for mutations. */
  readonly words: readonly string[]
  /** Throws when a property does not hold; a ShaleError that the input deserves is none of that. */
  readonly run: (input: Buffer) => void | Promise<void>
}

/** The result of `work`, or undefined when it refused its input as it should: with a ShaleError. */
export function refused<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (error instanceof ShaleError) return undefined
    throw error
  }
}

export const TARGETS = ['dockerfile', 'tar', 'template', 'reference', 'toc'] as const
export type TargetName = (typeof TARGETS)[number]

export async function loadTarget(name: TargetName): Promise<Target> {
  const { target } = (await import(`./targets/${name}.ts`)) as { readonly target: Target }
  return target
}
