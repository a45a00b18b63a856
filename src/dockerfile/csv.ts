/** A field of a comma-separated line and where in it the field stands. */
export interface CsvField {
  readonly text: string
  readonly start: number
  readonly end: number
}

/** Splits one comma-separated line; a field in double quotes may hold commas and `""`. Undefined when malformed. */
export function splitCsv(line: string): readonly CsvField[] | undefined {
  const fields: CsvField[] = []
  let at = 0
  for (;;) {
    const field = line[at] === '"' ? quotedField(line, at) : plainField(line, at)
    if (field === undefined) return undefined
    fields.push(field)
    if (field.end === line.length) return fields
    if (line[field.end] !== ',') return undefined
    at = field.end + 1
  }
}

function plainField(line: string, start: number): CsvField | undefined {
  const comma = line.indexOf(',', start)
  const end = comma === -1 ? line.length : comma
  const text = line.slice(start, end)
  return text.includes('"') ? undefined : { text, start, end }
}

function quotedField(line: string, start: number): CsvField | undefined {
  const match = /"((?:[^"]|"")*)"/y
  match.lastIndex = start
  const found = match.exec(line)
  if (found === null) return undefined
  return { text: found[1]!.replaceAll('""', '"'), start, end: start + found[0].length }
}
