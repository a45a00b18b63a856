import type { ShellCommand, ShellWord } from './script.ts'

/** Whether one of the flags is given: `--yes`, `--yes=…`, or `-y` alone or among others (`-yq`). */
export function hasFlag({ args }: ShellCommand, ...names: readonly string[]): boolean {
  return args.some(({ value }) => names.some(name => isFlag(value, name)))
}

function isFlag(value: string, name: string): boolean {
  if (name.length > 2) return value === name || value.startsWith(`${name}=`)
  return /^-[A-Za-z]/.test(value) && !value.startsWith('--') && value.includes(name[1] ?? '', 1)
}

/** What is given with the flag: `--name value`, `--name=value`, `-n value`. */
export function flagValue({ args }: ShellCommand, ...names: readonly string[]): string | undefined {
  for (const [index, { value }] of args.entries()) {
    if (names.includes(value)) return args[index + 1]?.value ?? ''
    const equals = value.indexOf('=')
    if (equals !== -1 && names.includes(value.slice(0, equals))) return value.slice(equals + 1)
  }
  return undefined
}

/** The arguments that are neither flags nor values of those flags that `valued` says take one; all after `--`. */
export function positional(args: readonly ShellWord[], valued: ReadonlySet<string> = new Set()): readonly ShellWord[] {
  const found: ShellWord[] = []
  for (let index = 0; index < args.length; index++) {
    const word = args[index]!
    if (word.value === '--') return [...found, ...args.slice(index + 1)]
    if (word.value.startsWith('-') && word.value.length > 1) index += valued.has(word.value) ? 1 : 0
    else found.push(word)
  }
  return found
}

/** The sub-command and what follows it: `apt-get -y install curl` → `install`, [`curl`]. */
export function subcommand(
  command: ShellCommand,
  valued: ReadonlySet<string> = new Set(),
): { readonly verb: string; readonly words: readonly ShellWord[] } {
  const [verb, ...words] = positional(command.args, valued)
  return { verb: verb?.value ?? '', words }
}
