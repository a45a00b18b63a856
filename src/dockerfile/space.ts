/** The characters that Go's `unicode.IsSpace` takes for white space, which is what Dockerfile parsing goes by. */
const SPACES = '\\t\\n\\v\\f\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000'
const SPACE = new RegExp(`[${SPACES}]`)
const LEADING = new RegExp(`^[${SPACES}]+`)
const TRAILING = new RegExp(`[${SPACES}]+$`)

export function isSpace(char: string): boolean {
  const code = char.charCodeAt(0)
  if (code < 0x80) return code === 32 || (code >= 9 && code <= 13)
  return SPACE.test(char)
}

export function trimStart(text: string): string {
  return text.length > 0 && isSpace(text[0]!) ? text.replace(LEADING, '') : text
}

export function trimEnd(text: string): string {
  return text.length > 0 && isSpace(text.at(-1)!) ? text.replace(TRAILING, '') : text
}

export function trim(text: string): string {
  return trimEnd(trimStart(text))
}
