import { ShaleError } from '../error.ts'

/** `NAME=value` words as a record; the last of a name counts. A name alone is given to `fallback`. */
export function keyValues(
  words: readonly string[],
  fallback: (name: string) => string | undefined,
  what: string,
): Readonly<Record<string, string>> {
  const pairs = words.flatMap((word): (readonly [string, string])[] => {
    const equals = word.indexOf('=')
    const name = equals < 0 ? word : word.slice(0, equals)
    if (name.trim() === '') {
      throw new ShaleError('INVALID_KEY_VALUE', `invalid ${what} ${JSON.stringify(word)}: it has no name`, {
        hint: 'write it as NAME=value',
        exitCode: 125,
      })
    }
    const value = equals < 0 ? fallback(name) : word.slice(equals + 1)
    return value === undefined ? [] : [[name, value]]
  })
  return Object.fromEntries(pairs)
}
