import { randomInt } from 'node:crypto'
import { ShaleError } from '../error.ts'

const ADJECTIVES = (
  'agile amber ancient autumn bold brave breezy bright brisk calm candid clever cobalt copper coral cosmic crisp ' +
  'curious dapper daring dusty eager early earnest fearless fleet frosty gentle gilded glad golden graceful hardy hazel ' +
  'hidden humble icy jolly keen kind lively lucid lunar mellow merry mighty misty modest nimble noble olive patient ' +
  'plucky polite proud quick quiet rapid rare ready robust rosy rustic sage silent silver smooth snowy solar solid ' +
  'spry stable steady still stoic sturdy sunny swift tidy tranquil trusty upbeat velvet vivid warm wise witty young zesty'
).split(' ')

/** Of people who studied the earth, its stones and its fossils, for shale is one of them. */
const SURNAMES = (
  'agassiz agricola airy anning barrell bascom benson bowen boyle bretz brongniart buckland chamberlin cuvier dana ' +
  'darwin davis dawson desor dutton eaton ewing fersman geikie gilbert goldschmidt gould guettard gutenberg hall hayden ' +
  'hess hitchcock holmes hooke horner hubbert humboldt hutton jeffreys kay kelvin king lapworth lehmann lehmann logan ' +
  'lomonosov lyell marsh mather matuyama mawson menard milne mohs mohorovicic murchison murray oldham owen patterson ' +
  'playfair powell richter romer sedgwick seward silliman smith sorby steno suess tharp tuzo vernadsky vine wadia ' +
  'walcott wegener werner whitney wilson woodward'
).split(' ')

/** A name such as docker gives: `brave_lyell`, with a digit when the first few were taken. */
export function generatedName(isTaken: (name: string) => boolean): string {
  const pick = (words: readonly string[]) => words[randomInt(words.length)] as string
  for (let attempt = 0; ; attempt++) {
    const name = `${pick(ADJECTIVES)}_${pick(SURNAMES)}${attempt < 4 ? '' : randomInt(10 ** Math.min(attempt - 3, 6))}`
    if (!isTaken(name)) return name
  }
}

/** Throws `INVALID_NAME` in docker's words. */
export function checkContainerName(name: string): string {
  const plain = name.replace(/^\//, '')
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(plain)) return plain
  const hint = /^[a-zA-Z0-9]$/.test(plain) ? 'a name has two characters at least' : undefined
  throw new ShaleError('INVALID_NAME', `Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`, {
    hint,
  })
}
