/** The fields of one paragraph, their names in lower case. */
export type Paragraph = ReadonlyMap<string, string>

/**
 * Reads one paragraph of a control file. Lines that continue a field are kept with their line breaks, without the space
 * that begins them. Lines that are no field are passed over. Source: deb822(5).
 */
export function readParagraph(text: string): Paragraph {
  const fields = new Map<string, string>()
  let name = ''
  for (const line of text.split('\n')) {
    if (line.startsWith(' ') || line.startsWith('\t')) {
      if (name !== '') fields.set(name, `${fields.get(name)}\n${line.slice(1)}`)
      continue
    }
    const colon = line.indexOf(':')
    if (colon <= 0 || line.startsWith('#')) continue
    name = line.slice(0, colon).toLowerCase()
    fields.set(name, line.slice(colon + 1).trim())
  }
  return fields
}

/** The paragraphs of a file, as text: they are separated by empty lines. */
export function splitParagraphs(text: string): readonly string[] {
  const parts: string[] = []
  for (let from = 0; from < text.length; ) {
    const end = text.indexOf('\n\n', from)
    const part = text.slice(from, end < 0 ? undefined : end)
    if (part.trim() !== '') parts.push(part)
    if (end < 0) break
    from = end + 2
  }
  return parts
}
