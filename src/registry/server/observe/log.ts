/** What happens in a server, as a line each. */
export interface Log {
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  error(event: string, fields?: LogFields): void
  /** Writes out what is still in memory. */
  flush(): void
}

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>

export type LogFormat = 'text' | 'json'

type Level = 'info' | 'warn' | 'error'

const FLUSH_MS = 200
const FLUSH_BYTES = 32 * 1024

/**
 * Lines with time, level, event and fields: `key=value` in text, one object each in JSON. They are gathered for a
 * moment, for a request costs little more than its line otherwise; warnings and errors go out at once.
 */
export function createLog(format: LogFormat, write: (text: string) => void): Log {
  const line = format === 'json' ? jsonLine : textLine
  let gathered = ''
  let timer: NodeJS.Timeout | undefined
  const flush = () => {
    clearTimeout(timer)
    timer = undefined
    const text = gathered
    gathered = ''
    if (text !== '') write(text)
  }
  const add = (level: Level, event: string, fields: LogFields = {}) => {
    gathered += line(level, event, fields)
    if (level !== 'info' || gathered.length > FLUSH_BYTES) flush()
    else timer ??= setTimeout(flush, FLUSH_MS).unref()
  }
  return {
    info: (event, fields) => add('info', event, fields),
    warn: (event, fields) => add('warn', event, fields),
    error: (event, fields) => add('error', event, fields),
    flush,
  }
}

function jsonLine(level: Level, event: string, fields: LogFields): string {
  return `${JSON.stringify({ time: new Date().toISOString(), level, event, ...fields })}\n`
}

function textLine(level: Level, event: string, fields: LogFields): string {
  let text = `${new Date().toISOString()} ${level} ${event}`
  for (const key in fields) {
    const value = fields[key]
    if (value !== undefined) text += ` ${key}=${typeof value === 'string' ? quoted(value) : value}`
  }
  return `${text}\n`
}

/** What a client sends must not look like another line or field. */
function quoted(text: string): string {
  return /^[\w./:@?&%+~,-]+$/.test(text) ? text : JSON.stringify(text)
}
