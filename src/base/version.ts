interface VersionParts {
  readonly epoch: number
  readonly upstream: string
  readonly revision: string
}

/**
 * Orders two versions of Debian packages: less than 0 when `a` is older, 0 when both are the same. Source: Debian
 * Policy 4.7, section 5.6.12.
 */
export function compareVersions(a: string, b: string): number {
  if (a === b) return 0
  const [one, other] = [split(a), split(b)]
  return (
    one.epoch - other.epoch || compareText(one.upstream, other.upstream) || compareText(one.revision, other.revision)
  )
}

function split(version: string): VersionParts {
  const colon = version.indexOf(':')
  const rest = version.slice(colon + 1)
  const dash = rest.lastIndexOf('-')
  return {
    epoch: colon < 0 ? 0 : Number(version.slice(0, colon)),
    upstream: dash < 0 ? rest : rest.slice(0, dash),
    revision: dash < 0 ? '' : rest.slice(dash + 1),
  }
}

/** Runs of other characters and runs of digits by turns; a missing number counts as 0. */
function compareText(a: string, b: string): number {
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    while ((i < a.length && !isDigit(a, i)) || (j < b.length && !isDigit(b, j))) {
      const difference = weight(a, i) - weight(b, j)
      if (difference !== 0) return difference
      i++
      j++
    }
    const [from, fromOther] = [i, j]
    while (isDigit(a, i)) i++
    while (isDigit(b, j)) j++
    const difference = compareDigits(a.slice(from, i), b.slice(fromOther, j))
    if (difference !== 0) return difference
  }
  return 0
}

/** Numbers of any length, such as dates down to the second. */
function compareDigits(a: string, b: string): number {
  const [one, other] = [a.replace(/^0+/, ''), b.replace(/^0+/, '')]
  if (one.length !== other.length) return one.length - other.length
  return one < other ? -1 : one > other ? 1 : 0
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code >= 48 && code <= 57
}

/** A tilde comes before the end, the end (and a digit) before letters, letters before everything else. */
function weight(text: string, at: number): number {
  if (at >= text.length || isDigit(text, at)) return 0
  const code = text.charCodeAt(at)
  if (code === 126) return -1
  return (code >= 65 && code <= 90) || (code >= 97 && code <= 122) ? code : code + 256
}
