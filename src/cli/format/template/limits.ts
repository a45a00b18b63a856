/** What a function throws for wrong arguments; the caller adds the place. */
export class CallError extends Error {}

/** Longest text that a function may give, in UTF-16 code units: far beyond any use, and short of what memory bears. */
export const MAX_TEXT = 4 * 1024 * 1024

/** Longest output of a template. */
export const MAX_OUTPUT = 64 * 1024 * 1024

/** How often all `{{range}}` of a template may go round together. */
export const MAX_ROUNDS = 1_000_000

/** How deep blocks and parentheses may nest: short of what the call stack bears. */
export const DEEPEST = 200

/** Throws when a text is too long to go on with. */
export function checkLength(length: number): void {
  if (length > MAX_TEXT) throw new CallError(`the result has more than ${MAX_TEXT} characters`)
}
