import { applyEdits } from './edits.ts'
import type { LintedFile } from './lint-file.ts'

/** Changes may make way for others; a text that still changes after so many rounds is left as it is then. */
const ROUNDS = 12

/**
 * The text with everything made right that can be; `lint` says what is wrong with a text. Silenced findings change
 * nothing.
 */
export async function fixText(text: string, lint: (text: string) => Promise<LintedFile>): Promise<string> {
  let current = text
  for (let round = 0; round < ROUNDS; round++) {
    const { findings } = await lint(current)
    const next = applyEdits(
      current,
      findings.flatMap(({ fix }) => (fix === undefined ? [] : [fix])),
    )
    if (next === current) return current
    current = next
  }
  return current
}
