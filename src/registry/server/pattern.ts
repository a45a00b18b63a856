/** Whether a text matches a pattern; compiled once. */
export type Matcher = (text: string) => boolean

/**
 * A pattern over repositories or tags: `*` is anything within a part of a name, `**` anything, `?` one character; all
 * else stands for itself. `team/**` is also `team`.
 */
export function matcher(pattern: string): Matcher {
  const source = pattern.replace(/\/\*\*$|\*\*|\*|\?|[^*?]/g, part => {
    if (part === '/**') return '(?:/.*)?'
    if (part === '**') return '.*'
    if (part === '*') return '[^/]*'
    return part === '?' ? '[^/]' : part.replace(/[.+^${}()|[\]\\]/g, '\\$&')
  })
  const regex = new RegExp(`^${source}$`)
  return text => regex.test(text)
}

/** True for what any of them matches. */
export function anyOf(patterns: readonly string[]): Matcher {
  const matchers = patterns.map(matcher)
  return text => matchers.some(matches => matches(text))
}
