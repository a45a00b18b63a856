import { posix } from 'node:path'
import type { CopyInstruction } from '../../dockerfile/instruction.ts'
import { instructionRule, type LintRule } from '../lint/lint-rule.ts'
import type { LintStage, LintStep } from '../lint/subject.ts'
import { isVariable, unquoted } from '../lint/variables.ts'
import { hasFlag } from '../shell/arguments.ts'

const ARCHIVE = /\.(?:tar|tar\.[a-z0-9]+|gz|bz2|xz|zst|lzma|tgz|tbz2?|txz|tlz|tb2|tpz|tz2|z)$/i
const TAR = /\.(?:tar|tar\.(?:gz|bz2|xz|zst|lzma|z)|tgz|tbz2?|txz|tzst)$/i
const REMOTE = /^(?:https?:|git:|ssh:|git@|ftp:)|\.git(?:#.*)?$/i

/** The last part of a path, of Windows or not. */
function fileName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1)
}

function unpackedNames({ script }: LintStep): ReadonlySet<string> {
  const names = new Set<string>()
  for (const command of script?.commands ?? []) {
    const [first] = command.args
    const extracts = hasFlag(command, '-x', '--extract', '--get') || /^[a-z]*x/.test(first?.value ?? '')
    if (command.name !== 'tar' || !extracts) continue
    for (const { value } of command.args) names.add(fileName(value.replace(/^--file=/, '')))
  }
  return names
}

export const dl3010: LintRule = {
  name: 'DL3010',
  severity: 'info',
  description: 'Let ADD unpack a local archive, instead of COPY and tar.',
  *check({ stages }) {
    for (const { steps } of stages) {
      for (const [index, { instruction, outer }] of steps.entries()) {
        if (instruction.kind !== 'copy' || instruction.from !== undefined) continue
        const archives = instruction.sources.map(unquoted).filter(source => TAR.test(source))
        if (archives.length === 0) continue
        // A quoted path with a space is two words to COPY.
        const target = unquoted(instruction.destination).replace(/["']$/, '')
        const names = TAR.test(target) ? [fileName(target)] : archives.map(fileName)
        const later = steps.slice(index + 1).flatMap(step => [...unpackedNames(step)])
        const name = names.find(one => later.includes(one))
        if (name === undefined) continue
        yield {
          range: outer.range,
          detail: `${name} is copied and then unpacked, and is in the image twice: ADD unpacks it`,
        }
      }
    }
  },
}

export const dl3020 = instructionRule(
  {
    name: 'DL3020',
    severity: 'error',
    description: 'Use COPY for files and folders; ADD is for archives and addresses.',
  },
  ['add'],
  ({ sources, inline, checksum, keepGitDir, unpack, keyword }, { outer, onbuild }) => {
    const plain = sources
      .map(unquoted)
      .filter(source => !ARCHIVE.test(source) && !REMOTE.test(source) && !isVariable(source))
    if (plain.length === 0) return undefined
    const isPlain = plain.length === sources.length && inline.length === 0 && !onbuild
    const same = isPlain && checksum === undefined && keepGitDir === undefined && unpack === undefined
    const word = keyword === keyword.toLowerCase() ? 'copy' : 'COPY'
    const fix = same ? [{ range: outer.keywordRange, text: word }] : undefined
    return { detail: `ADD may do more than copy ${plain[0]}: use COPY`, fix }
  },
)

export const dl3021 = instructionRule(
  {
    name: 'DL3021',
    severity: 'error',
    description: 'End the destination of COPY with / when there are several sources.',
  },
  ['copy'],
  ({ order, destination, destinationRange }) => {
    const target = unquoted(destination)
    if (order.length < 2 || target.endsWith('/') || target.endsWith('\\') || isVariable(target)) return undefined
    const { end } = destinationRange
    const fix = target === destination ? [{ range: { start: end, end }, text: '/' }] : undefined
    return { detail: `${order.length} sources do not go into one file: write ${target}/`, fix }
  },
)

function stageNamed(stages: readonly LintStage[], before: LintStage, name: string): LintStage | undefined {
  return stages.slice(0, before.index).find(({ index, from }) => {
    return from !== undefined && (from.stageName === name.toLowerCase() || String(index) === name)
  })
}

export const dl3022 = instructionRule(
  { name: 'DL3022', severity: 'warning', description: 'Copy --from a stage above, or from an image with a tag.' },
  ['copy'],
  ({ from }, { stage }, { stages }) => {
    if (from === undefined) return undefined
    const name = unquoted(from)
    if (isVariable(name) || /[:@]/.test(name) || stageNamed(stages, stage, name) !== undefined) return undefined
    // That is said by another rule.
    if (name.toLowerCase() === stage.from?.stageName) return undefined
    return `no stage above is named ${name}: write the name of one, or of an image with its tag`
  },
)

export const dl3023 = instructionRule(
  { name: 'DL3023', severity: 'error', description: 'Do not copy --from the stage itself.' },
  ['copy'],
  ({ from }, { stage, variables }) => {
    const name = from === undefined ? undefined : variables.expand(unquoted(from)).toLowerCase()
    if (name === undefined || name !== stage.from?.stageName) return undefined
    return `--from=${name} is the stage that this COPY stands in`
  },
)

const ABSOLUTE = /^(?:[\\/]|[A-Za-z]:[\\/]|\$)/

export const dl3045: LintRule = {
  name: 'DL3045',
  severity: 'warning',
  description: 'Set a WORKDIR before COPY to a relative path.',
  *check({ stages }) {
    const placed = new Set<LintStage>()
    for (const stage of stages) {
      if (stage.parent !== undefined && placed.has(stage.parent)) placed.add(stage)
      for (const { instruction, outer } of stage.steps) {
        if (instruction.kind === 'workdir') placed.add(stage)
        if (instruction.kind !== 'copy' || placed.has(stage)) continue
        const target = unquoted(instruction.destination)
        if (ABSOLUTE.test(target)) continue
        yield { range: outer.range, detail: `${target} is relative to whatever the base has as WORKDIR: set one first` }
      }
    }
  },
}

/** Whether a COPY takes the whole file system of another stage to the root. */
function isWholeRoot({ from, sources, destination }: CopyInstruction): boolean {
  const isRoot = (path: string) => posix.normalize(unquoted(path)) === '/'
  return from !== undefined && sources.some(isRoot) && isRoot(destination)
}

/** A stage that begins empty, or that adds nothing, was to leave nothing behind. */
function hasLeftovers(stage: LintStage | undefined): boolean {
  let root = stage
  while (root?.parent !== undefined) root = root.parent
  return root === undefined || (root.from?.image !== 'scratch' && (stage?.steps.length ?? 0) > 1)
}

export const dl3067 = instructionRule(
  { name: 'DL3067', severity: 'warning', description: 'Copy what is needed of another stage, not all of it.' },
  ['copy'],
  (instruction, { stage }, { stages }) => {
    if (!isWholeRoot(instruction) || !hasLeftovers(stageNamed(stages, stage, instruction.from ?? ''))) return undefined
    return `the whole of ${instruction.from} is copied, with all that it was to leave behind`
  },
)
