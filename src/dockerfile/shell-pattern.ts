import { Failure } from './failure.ts'

/**
 * The pieces of a shell pattern (`*`, `?`, `\` escapes; no brackets) as regular expressions, one for each unit, so that
 * they can also be put together in reverse.
 */
function pieces(pattern: string, star: string): readonly string[] {
  const chars = [...pattern]
  const out: string[] = []
  for (let index = 0; index < chars.length; index++) {
    const char = chars[index]!
    if (char === '*') out.push(star)
    else if (char === '?') out.push('[^\\n]')
    else if (char !== '\\') out.push(quote(char))
    else {
      const next = chars[index + 1]
      // `}` and `/` must be escaped to stand inside ${}; the escape is no part of the pattern.
      if (next === '}' || next === '/') continue
      if (next !== '*' && next !== '?' && next !== '\\') {
        const problem = next === undefined ? 'trailing escape' : `invalid escape '\\${next}'`
        throw new Failure('DOCKERFILE_EXPANSION', `invalid pattern (${pattern}) in substitution: ${problem}`)
      }
      out.push(`\\${next}`)
      index++
    }
  }
  return out
}

function quote(char: string): string {
  return /[[\]{}.+()|^$/]/.test(char) ? `\\${char}` : char
}

function reverse(text: string): string {
  return [...text].reverse().join('')
}

/** `value` without its shortest (or, if greedy, longest) beginning that matches the pattern: `${x#p}`, `${x##p}`. */
export function trimPrefix(pattern: string, value: string, greedy: boolean): string {
  const expression = pieces(pattern, greedy ? '[^\\n]*' : '[^\\n]*?').join('')
  const match = new RegExp(`^${expression}`, 'u').exec(value)
  return match === null ? value : value.slice(match[0].length)
}

/** `value` without its shortest (or, if greedy, longest) ending that matches the pattern: `${x%p}`, `${x%%p}`. */
export function trimSuffix(pattern: string, value: string, greedy: boolean): string {
  const expression = pieces(pattern, greedy ? '[^\\n]*' : '[^\\n]*?')
    .toReversed()
    .join('')
  const match = new RegExp(`^${expression}`, 'u').exec(reverse(value))
  return match === null ? value : value.slice(0, value.length - match[0].length)
}

/** `value` with the first match of the pattern replaced, or all of them: `${x/p/r}`, `${x//p/r}`. */
export function replace(pattern: string, value: string, replacement: string, all: boolean): string {
  const expression = new RegExp(pieces(pattern, '[^\\n]*').join(''), all ? 'gu' : 'u')
  return value.replace(expression, () => replacement)
}
