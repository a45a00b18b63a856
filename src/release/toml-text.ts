/**
 * The string that a key of a table has in a TOML text, undefined when it has none or another type. Enough for package
 * metadata, whose tables are written one under the other; dotted and quoted keys are not looked for.
 * Source: TOML v1.0, "Table" and "String".
 */
export function tomlText(text: string, table: string, key: string): string | undefined {
  // Text of several lines could look like anything.
  const lines = text.replaceAll(/""".*?"""|'''.*?'''/gs, '""').split(/\r?\n/)
  const start = lines.findIndex(line => headingOf(line) === table)
  if (start < 0) return undefined
  for (const line of lines.slice(start + 1)) {
    if (/^\s*\[/.test(line)) return undefined
    const [, name, basic, literal] = /^\s*([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)')\s*(?:#.*)?$/.exec(line) ?? []
    if (name !== key) continue
    const value = literal ?? basic?.replaceAll(/\\(["\\])/g, '$1')
    return value === '' ? undefined : value
  }
  return undefined
}

function headingOf(line: string): string | undefined {
  return /^\s*\[\s*([^[\]]+?)\s*\]\s*(?:#.*)?$/.exec(line)?.[1]?.replaceAll(/\s*\.\s*/g, '.')
}
