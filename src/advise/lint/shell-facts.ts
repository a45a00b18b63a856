/** The shell that a RUN is handed to. */
export interface ShellFacts {
  /** The program's name without folder and extension, in lower case. */
  readonly name: string
  readonly posix: boolean
  /** A pipeline fails when any of its commands does. */
  readonly pipefail: boolean
}

export const posixShell: ShellFacts = { name: 'sh', posix: true, pipefail: false }

const POSIX: ReadonlySet<string> = new Set(['sh', 'bash', 'dash', 'ash', 'zsh', 'ksh', 'mksh', 'busybox'])
/** The shells that have the option; `sh` may be any. */
const WITH_PIPEFAIL: ReadonlySet<string> = new Set(['bash', 'zsh', 'ash', 'ksh', 'mksh'])

/** From the words of a SHELL instruction, the program first. */
export function shellFacts(words: readonly string[]): ShellFacts {
  const [program = '', ...options] = words.flatMap(word => word.trim().split(/\s+/))
  const name = program
    .slice(Math.max(program.lastIndexOf('/'), program.lastIndexOf('\\')) + 1)
    .replace(/\.exe$/i, '')
    .toLowerCase()
  const asked = options.some((word, index) => word === 'pipefail' && /^-[a-z]*o$/.test(options[index - 1] ?? ''))
  return { name, posix: POSIX.has(name), pipefail: asked && WITH_PIPEFAIL.has(name) }
}
