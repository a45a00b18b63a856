import type { TerminalSize } from '../sandbox/run-request.ts'

/** The size of our terminal's window; zeros when standard output is none, which is what docker gives then. */
export function windowSize(): TerminalSize {
  const { rows = 0, columns = 0 } = process.stdout
  return { rows, columns }
}
