/** The escapes of Go's text/template, byte for byte: https://pkg.go.dev/text/template@go1.24.0#hdr-Functions */

const HTML: Readonly<Record<string, string>> = {
  '\0': '\ufffd',
  '"': '&#34;',
  "'": '&#39;',
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
}

/** What `html` gives. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[\0"'&<>]/g, one => HTML[one] ?? one)
}

/** What `js` gives: for use inside a quoted text of JavaScript. */
export function escapeJs(text: string): string {
  return text.replaceAll(/[\\'"]/g, one => `\\${one}`).replaceAll(/[<>&=]|\p{C}|(?! )\p{Z}/gu, codeUnits)
}

function codeUnits(character: string): string {
  const code = character.codePointAt(0) ?? 0
  return `\\u${code.toString(16).toUpperCase().padStart(4, '0')}`
}

/** What `urlquery` gives: a value of a query, with `+` for a space. */
export function escapeQuery(text: string): string {
  const escaped = encodeURIComponent(text.toWellFormed()).replaceAll(/[!'()*]/g, percent)
  return escaped.replaceAll('%20', '+')
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`
}
