import { readFileSync } from 'node:fs'
import { ShaleError } from '../error.ts'
import { boolean, list, text } from './flag.ts'
import { isolationFlags } from './isolation-flags.ts'
import { lifeFlags } from './life-flags.ts'
import { networkFlags } from './network-flags.ts'
import { platformFlag } from './platform-flag.ts'

/** What `run` and `create` have in common. */
export const containerFlags = {
  addHost: list('Line for /etc/hosts', { placeholder: 'name:address' }),
  entrypoint: text('Command in place of the image’s entrypoint; empty for none', { placeholder: 'command' }),
  env: list('Environment variable; without a value that of this shell', { short: 'e', placeholder: 'NAME=value' }),
  envFile: list('File of environment variables', { placeholder: 'file' }),
  hostname: text('Name of the machine as the command sees it', { short: 'h', placeholder: 'name' }),
  ...isolationFlags,
  ...lifeFlags,
  interactive: boolean('Connect the standard input', { short: 'i' }),
  mount: list('Mount in words: type=bind, volume or tmpfs', { placeholder: 'mount' }),
  name: text('Name of the container', { placeholder: 'name' }),
  ...networkFlags,
  platform: platformFlag,
  pull: text('When to pull the image: always, missing (default) or never', { choices: ['always', 'missing', 'never'] }),
  quiet: boolean('Show no progress of a pull', { short: 'q' }),
  readOnly: boolean('Nothing can be written outside of mounts'),
  rm: boolean('Remove the container when it has ended'),
  tmpfs: list('Empty folder in memory', { placeholder: 'target[:options]' }),
  tty: boolean('Give the command a terminal', { short: 't' }),
  user: text('User and group to run as', { short: 'u', placeholder: 'user[:group]' }),
  volume: list('Volume, or folder or file of this machine', { short: 'v', placeholder: '[source:]target[:ro]' }),
  workdir: text('Folder to start in', { short: 'w', placeholder: 'dir' }),
}

/**
 * The variables of `--env-file` files and `-e` words, later ones last; a name without value takes the caller's, or is
 * left out when the caller has none.
 */
export function environment(
  files: readonly string[],
  words: readonly string[],
  own: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  const resolved = (word: string): readonly string[] => {
    if (word.includes('=')) return [word]
    const value = own[word]
    return value === undefined ? [] : [`${word}=${value}`]
  }
  return [...files.flatMap(readEnvFile), ...words].flatMap(resolved)
}

/** docker's format: a variable a line, values as they are, `#` begins a comment line. */
function readEnvFile(path: string): readonly string[] {
  return parseEnvFile(readFileSync(path, 'utf8'), path)
}

/** Throws `INVALID_ENV_FILE` with the line. */
export function parseEnvFile(content: string, path: string): readonly string[] {
  return content
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .flatMap((line, at) => {
      const text = line.trimStart()
      if (text === '' || text.startsWith('#')) return []
      const name = text.split('=', 1)[0] as string
      if (name !== '' && !/\s/.test(name)) return [text]
      throw new ShaleError(
        'INVALID_ENV_FILE',
        `${path}:${at + 1}: a variable's name is a word: ${JSON.stringify(name)}`,
      )
    })
}
