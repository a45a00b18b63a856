import type { ShellWord } from '../shell/script.ts'

/** Whether a word is nothing but a variable or a substitution, so that nothing can be said of it. */
export function unknownWord(text: string): boolean {
  return /^["']?(?:\$\{?\w+\}?|\$\(.*\)|`.*`|\$\{\w+\[@\]\})["']?$/s.test(text)
}

/** `curl`, `curl and wget`, `curl, wget and 3 more` */
export function quoteList(words: readonly ShellWord[]): string {
  const names = words.map(({ value }) => value)
  if (names.length <= 3)
    return names.length === 1 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
  return `${names.slice(0, 2).join(', ')} and ${names.length - 2} more`
}
