import { ShaleError } from '../../error.ts'

const PORT = /^(\d+)(?:-(\d+))?(?:\/([A-Za-z]+))?$/

/** The ports that one word of EXPOSE names, as an image config has them: `8000-8001/udp` → `8000/udp`, `8001/udp`. */
export function parseExpose(word: string): readonly string[] {
  const match = PORT.exec(containerPart(word))
  const [, first = '', last = first, protocol = 'tcp'] = match ?? []
  const from = Number(first)
  const to = Number(last)
  if (match === null || from > 65535 || to > 65535 || to < from) throw invalid(word)
  if (!['tcp', 'udp', 'sctp'].includes(protocol.toLowerCase())) throw invalid(word, `unknown protocol ${protocol}`)
  return Array.from({ length: to - from + 1 }, (_, index) => `${from + index}/${protocol.toLowerCase()}`)
}

/** EXPOSE takes `docker run -p`'s form too and leaves out its host part. */
function containerPart(word: string): string {
  const colon = word.lastIndexOf(':')
  if (colon < 0) return word
  const port = word.slice(colon + 1)
  const host = word.slice(0, colon)
  if (port === '' || port.startsWith('/')) throw invalid(word, 'no port specified')
  if (!/^(?:(?:\[[0-9a-fA-F:]+\]|\d+\.\d+\.\d+\.\d+)(?::[\d-]*)?|[\d-]*)$/.test(host)) throw invalid(word)
  return port
}

function invalid(
  word: string,
  why = 'a port is a number up to 65535, a range, or one of these with /tcp, /udp or /sctp',
): ShaleError {
  return new ShaleError('INVALID_PORT', `invalid containerPort: ${word}: ${why}`)
}
