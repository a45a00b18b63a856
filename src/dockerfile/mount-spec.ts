import { splitCsv } from './csv.ts'
import { Failure } from './failure.ts'
import { type FlagValue, valueWord } from './flags.ts'
import type { Device, MountOption, MountSpec } from './instruction.ts'
import { nearest } from './nearest.ts'
import type { JoinedLine } from './source.ts'

/** Fails at an option or a whole mount. */
export function fail(option: MountOption | MountSpec, message: string, hint?: string): never {
  throw new Failure('DOCKERFILE_MOUNT', message, option.range, hint)
}

/** A hint at the word that was meant, if one is near. */
export function suggest(word: string, candidates: readonly string[]): string | undefined {
  const meant = nearest(word, candidates)
  return meant === undefined ? undefined : `did you mean ${meant}?`
}

/** An option's value as Go's `strconv.ParseBool` reads it; a bare option means true. */
export function boolean(option: MountOption): boolean {
  const value = option.value ?? 'true'
  if (/^(?:1|t|T|TRUE|true|True)$/.test(value)) return true
  if (/^(?:0|f|F|FALSE|false|False)$/.test(value)) return false
  return fail(option, `invalid value for ${option.key}: ${value}`, 'write true or false')
}

/** Cuts a flag's value into its options. */
function optionsOf(flag: FlagValue, line: JoinedLine, what: string): readonly MountOption[] {
  const word = valueWord(flag)
  const fields = splitCsv(word.text)
  if (fields === undefined) {
    const hint = 'separate options by commas; quote a whole option that holds one'
    throw new Failure('DOCKERFILE_MOUNT', `failed to parse csv ${what}`, line.range(word.start, word.end), hint)
  }
  const exact = word.end - word.start === word.text.length
  return fields.map(({ text, start, end }) => {
    const equals = text.indexOf('=')
    const key = equals === -1 ? text : text.slice(0, equals)
    return {
      key: key.toLowerCase(),
      value: equals === -1 ? undefined : text.slice(equals + 1),
      text,
      range: exact ? line.range(word.start + start, word.start + end) : line.range(word.start, word.end),
    }
  })
}

/** Reads a `--mount` as far as that goes without variables. */
export function mountSpec(flag: FlagValue, line: JoinedLine): MountSpec {
  const options = optionsOf(flag, line, 'mounts')
  for (const option of options) {
    if (option.key === 'from' && /\$./.test(option.value ?? '')) {
      const hint = 'name a stage FROM that image and mount from it'
      fail(option, "'from' doesn't support variable expansion, define alias stage instead", hint)
    }
  }
  const word = valueWord(flag)
  return { text: word.text, range: line.range(word.start, word.end), options }
}

/** Reads a `--device`. */
export function readDevice(flag: FlagValue, line: JoinedLine): Device {
  let name = ''
  let required = false
  for (const option of optionsOf(flag, line, 'devices')) {
    if (option.key === 'required') required = option.value === undefined || boolean(option)
    else if (option.key === 'name' && option.value !== undefined) {
      if (name !== '') fail(option, `device name already set to ${name}`)
      name = option.value
    } else if (name === '') name = option.text
    else if (option.value === undefined) fail(option, `invalid field '${option.text}' must be a key=value pair`)
    else fail(option, `unexpected key '${option.key}' in '${option.text}'`, suggest(option.key, ['name', 'required']))
  }
  return { name, required }
}
