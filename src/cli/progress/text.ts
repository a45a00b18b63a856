/** Escape sequences of terminals: colours, cursor moves, titles. */
const ESCAPES = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])/g
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g

/** A line of a program's output that cannot move our cursor: no escapes, no control characters, tabs as spaces. */
export function plainText(line: string): string {
  const visible = line.slice(line.trimEnd().lastIndexOf('\r') + 1)
  return visible.replace(ESCAPES, '').replaceAll('\t', '    ').replace(CONTROLS, '')
}

/** A step's name on one line. */
export function oneLine(name: string): string {
  return plainText(name.replace(/\s*\n\s*/g, ' ').trim())
}

/** At most `columns` characters, the last one `…` when something is left out. */
export function clip(text: string, columns: number): string {
  if (text.length <= columns) return text
  return columns <= 0 ? '' : `${text.slice(0, columns - 1)}…`
}

export function seconds(milliseconds: number): string {
  return `${(Math.max(0, milliseconds) / 1000).toFixed(1)}s`
}

/** Cuts a stream of bytes into lines; a multi-byte character may be cut by a chunk. */
export class LineSplitter {
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  /** What came after the last newline. */
  partial = ''

  push(data: Uint8Array): readonly string[] {
    const lines = (this.partial + this.#decoder.decode(data, { stream: true })).split('\n')
    this.partial = lines.pop() ?? ''
    return lines
  }

  /** The last line when it has no newline. */
  end(): readonly string[] {
    const rest = this.partial + this.#decoder.decode()
    this.partial = ''
    return rest === '' ? [] : [rest]
  }
}
