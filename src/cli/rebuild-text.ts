import type { ImageComparison, LayerComparison } from '../rebuild/compare.ts'
import type { FieldDifference, FileDifference } from '../rebuild/differences.ts'
import type { Rebuild } from '../rebuild/rebuild.ts'
import { oneLine } from './progress/text.ts'

/** So many differing fields of a layer's files are shown without `--all`. */
const SHOWN = 20

/** What `verify-rebuild` prints: one line when both are the same, else every field that differs, by layer and path. */
export function rebuildText(rebuild: Rebuild, all: boolean): string {
  const { same, image, rebuilt, platforms, notes } = rebuild
  if (same) return `the same, bit for bit: ${image}\n`
  const named = platforms.length > 1
  const lines = [
    `image    ${image}`,
    `rebuilt  ${rebuilt}`,
    ...platforms.flatMap(each => [...(named ? ['', `${each.platform}:`] : []), ...comparison(each, all)]),
    ...(notes.length === 0 ? [] : ['', ...notes.map(note => `note: ${note}`)]),
  ]
  return lines.map(line => `${line}\n`).join('')
}

function comparison({ layers, config, manifest }: ImageComparison, all: boolean): readonly string[] {
  return [
    ...layers.flatMap(layer => layerLines(layer, all)),
    ...(config.length === 0 ? [] : ['', 'config', ...config.map(fieldLine)]),
    ...(manifest.length === 0 ? [] : ['', 'manifest', ...manifest.map(fieldLine)]),
  ]
}

function layerLines({ number, createdBy, files, image, rebuilt }: LayerComparison, all: boolean): readonly string[] {
  const title = `layer ${number}: ${oneLine(createdBy)}`
  if (image === undefined) return ['', `${title}`, '  only the rebuilt image has it']
  if (rebuilt === undefined) return ['', `${title}`, '  the rebuilt image does not have it']
  if (files.length === 0) return ['', title, '  the same entries, in another tar']
  const shown = all ? files : files.slice(0, SHOWN)
  const left = files.length - shown.length
  const more = left === 0 ? [] : [`  and ${left} more (--all shows them)`]
  return ['', title, ...shown.map(fileLine), ...more]
}

function fileLine({ path, ...difference }: FileDifference): string {
  const { field, image, rebuilt } = difference
  if (field !== 'entry') return `  ${oneLine(path)}${fieldLine(difference).replace(/^ /, '')}`
  return `  ${oneLine(path)}: ${image === undefined ? `a ${rebuilt} that only the rebuilt image has` : `a ${image} that the rebuilt image lacks`}`
}

function fieldLine({ field, image, rebuilt }: FieldDifference): string {
  return `  ${field}: ${oneLine(image ?? 'absent')} became ${oneLine(rebuilt ?? 'absent')}`
}
