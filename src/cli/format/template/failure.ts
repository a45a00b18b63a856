import { ShaleError } from '../../../error.ts'

const FORM = 'the format is a Go template such as {{.Repository}}:{{.Tag}}, or json'

/** `INVALID_TEMPLATE` for a place in the template, worded as Go's text/template does. */
export function templateError(source: string, offset: number, what: string, hint: string = FORM): ShaleError {
  const before = source.slice(0, offset)
  const line = before.split('\n').length
  const column = offset - (before.lastIndexOf('\n') + 1)
  return new ShaleError('INVALID_TEMPLATE', `template parsing error: template: :${line}:${column}: ${what}`, { hint })
}
