import type { ConfigChange } from '../advise/diff/config.ts'
import type { ImageDiff, LayerOf } from '../advise/diff/diff.ts'
import type { FileChange } from '../advise/diff/files.ts'
import type { PackageChange } from '../advise/diff/packages.ts'
import { printable } from '../dockerfile/excerpt.ts'
import { humanSize } from './format/size.ts'

/** So many files are shown unless all are asked for. */
const MOST_FILES = 20

/** `shale diff A B`; ends with a newline. */
export function diffText(diff: ImageDiff, allFiles: boolean): string {
  if (diff.same) return 'The images are the same.\n'
  const parts = [configText(diff.config), layerText(diff.layers), packageText(diff.packages), fileText(diff, allFiles)]
  return parts
    .filter(lines => lines.length > 0)
    .map(lines => `${lines.join('\n')}\n`)
    .join('\n')
}

function configText(changes: readonly ConfigChange[]): readonly string[] {
  if (changes.length === 0) return []
  const lines = changes.map(({ name, before, after }) => {
    if (before === undefined) return `  + ${printable(name)}: ${shown(after)}`
    if (after === undefined) return `  - ${printable(name)}: ${shown(before)}`
    return `  ~ ${printable(name)}: ${shown(before)} → ${shown(after)}`
  })
  return ['Config:', ...lines]
}

function shown(value: unknown): string {
  return printable(typeof value === 'string' ? value : JSON.stringify(value))
}

function layerText({ shared, removed, added }: ImageDiff['layers']): readonly string[] {
  const head = `Layers: ${shared} shared, ${removed.length} removed, ${added.length} added`
  const line = (sign: string) => (layer: LayerOf) => {
    return `  ${sign} ${humanSize(layer.bytes).padStart(7)}  ${printable(layer.createdBy.replaceAll(/\s+/g, ' ')).slice(0, 100)}`
  }
  return [head, ...removed.map(line('-')), ...added.map(line('+'))]
}

function packageText(changes: readonly PackageChange[]): readonly string[] {
  if (changes.length === 0) return []
  const lines = changes.map(({ name, before, after }) => {
    if (before === undefined) return `  + ${printable(`${name} ${after}`)}`
    if (after === undefined) return `  - ${printable(`${name} ${before}`)}`
    return `  ~ ${printable(`${name} ${before} → ${after}`)}`
  })
  return [`Packages: ${counts(changes.map(change => kindOf(change)))}`, ...lines]
}

function kindOf({ before, after }: PackageChange): FileChange['change'] {
  return before === undefined ? 'added' : after === undefined ? 'removed' : 'changed'
}

function counts(kinds: readonly FileChange['change'][]): string {
  const count = (kind: FileChange['change']) => kinds.filter(one => one === kind).length
  return `${count('added')} added, ${count('removed')} removed, ${count('changed')} changed`
}

const SIGNS: Readonly<Record<FileChange['change'], string>> = { added: '+', removed: '-', changed: '~' }

/** The largest, in order of their paths. */
function fileText({ files }: ImageDiff, all: boolean): readonly string[] {
  if (files.length === 0) return []
  const growth = files.reduce((sum, { before, after }) => sum + after - before, 0)
  const most = all ? files : files.toSorted((a, b) => weight(b) - weight(a)).slice(0, MOST_FILES)
  const kept = new Set(most)
  const rest = files.length - most.length
  const sign = growth < 0 ? '-' : '+'
  return [
    `Files: ${counts(files.map(({ change }) => change))} (${sign}${humanSize(Math.abs(growth))})`,
    ...files.filter(file => kept.has(file)).map(fileLine),
    ...(rest > 0 ? [`  … and ${rest} smaller ones, see --all`] : []),
  ]
}

function weight({ before, after }: FileChange): number {
  return Math.max(before, after)
}

function fileLine({ change, path, aspects, before, after }: FileChange): string {
  const sizes =
    change === 'changed' && before !== after
      ? `${humanSize(before)} → ${humanSize(after)}`
      : humanSize(Math.max(before, after))
  const why = aspects.length === 0 ? '' : ` (${aspects.join(', ')})`
  return `  ${SIGNS[change]} ${sizes.padStart(7)}  ${printable(path)}${why}`
}
