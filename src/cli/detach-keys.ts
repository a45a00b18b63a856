import { ShaleError } from '../error.ts'

/** docker's keys that leave a container without ending it. */
export const DEFAULT_DETACH_KEYS = 'ctrl-p,ctrl-q'

/** Reads `ctrl-p,ctrl-q`, `ctrl-@,x`; empty is none. Throws `INVALID_DETACH_KEYS`. */
export function parseDetachKeys(text: string): readonly number[] {
  if (text === '') return []
  return text.split(',').map(word => {
    const [, control] = /^ctrl-([a-z@[\\\]^_])$/.exec(word) ?? []
    if (control !== undefined) return control.toUpperCase().charCodeAt(0) - 64
    if (/^[\x20-\x7e]$/.test(word)) return word.charCodeAt(0)
    throw new ShaleError('INVALID_DETACH_KEYS', `invalid detach keys: unknown character '${word}'`, {
      hint: 'write keys as ctrl-p,ctrl-q: letters, or ctrl- with a letter or one of @[\\]^_',
    })
  })
}

/**
 * Looks at what is typed: gives what is to be passed on, and whether the keys were all typed, one after the other. Keys
 * that may be the beginning are held back until the next one tells.
 */
export function detachWatch(keys: readonly number[]): (chunk: Uint8Array) => {
  readonly pass: Uint8Array
  readonly detached: boolean
} {
  let held = 0
  return chunk => {
    const pass: number[] = []
    for (const byte of chunk) {
      if (held < keys.length && byte === keys[held]) {
        held++
        if (held === keys.length) return { pass: Uint8Array.from(pass), detached: true }
        continue
      }
      pass.push(...keys.slice(0, held))
      held = keys[0] === byte && keys.length > 1 ? 1 : 0
      if (held === 0) pass.push(byte)
    }
    return { pass: Uint8Array.from(pass), detached: false }
  }
}
