import type { RunOutput } from '../../sandbox/run-request.ts'

/** What stands in the output in place of a secret. */
const MASK = Buffer.from('****')
/** Shorter values are in too many words. */
const SHORTEST = 4

export interface GuardedOutput {
  write(stream: RunOutput['stream'], chunk: Uint8Array): void
  /** Hands on what was held back. */
  end(): void
}

/**
 * Output with every secret replaced, also one that comes in pieces: what may be the beginning of a secret is held back
 * until more comes.
 */
export function withoutSecrets(
  secrets: readonly Buffer[],
  output: (stream: RunOutput['stream'], chunk: Uint8Array) => void,
): GuardedOutput {
  const words = secrets.map(trimmed).filter(({ length }) => length >= SHORTEST)
  if (words.length === 0) return { write: output, end: () => {} }
  const longestFirst = words.toSorted((a, b) => b.length - a.length)
  const held: Record<RunOutput['stream'], Buffer> = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) }
  return {
    write: (stream, chunk) => {
      const clean = masked(Buffer.concat([held[stream], chunk]), longestFirst)
      const keep = beginnings(clean, longestFirst)
      held[stream] = clean.subarray(clean.length - keep)
      if (keep < clean.length) output(stream, clean.subarray(0, clean.length - keep))
    },
    end: () => {
      for (const stream of ['stdout', 'stderr'] as const) if (held[stream].length > 0) output(stream, held[stream])
    },
  }
}

/** Files end with a line break that a command takes off. */
function trimmed(secret: Buffer): Buffer {
  let end = secret.length
  while (end > 0 && (secret[end - 1] === 0x0a || secret[end - 1] === 0x0d)) end--
  return secret.subarray(0, end)
}

function masked(text: Buffer, words: readonly Buffer[]): Buffer {
  const parts: Buffer[] = []
  let rest = text
  for (;;) {
    const found = words
      .map(word => ({ at: rest.indexOf(word), word }))
      .filter(({ at }) => at >= 0)
      .reduce<{ at: number; word: Buffer } | undefined>((a, b) => (a !== undefined && a.at <= b.at ? a : b), undefined)
    if (found === undefined) return parts.length === 0 ? text : Buffer.concat([...parts, rest])
    parts.push(rest.subarray(0, found.at), MASK)
    rest = rest.subarray(found.at + found.word.length)
  }
}

/** How many bytes at the end may be the beginning of a secret. */
function beginnings(text: Buffer, words: readonly Buffer[]): number {
  let keep = 0
  for (const word of words) {
    for (let length = Math.min(word.length - 1, text.length); length > keep; length--) {
      if (text.subarray(text.length - length).equals(word.subarray(0, length))) keep = length
    }
  }
  return keep
}
