import type { Excess } from '../advise/size/budget.ts'
import type { SizeReport } from '../advise/size/report.ts'
import type { TreeNode } from '../advise/size/tree.ts'
import { printable } from '../dockerfile/excerpt.ts'
import { humanSize } from './format/size.ts'
import { renderTable } from './format/table.ts'

/** So many of the largest are shown. */
const MOST = 10

/** `shale size IMAGE`, without the last newline. */
export function sizeText(report: SizeReport, columns: number): string {
  const { bytes, visible, wasted, efficiency, files } = report
  const head = [
    `${humanSize(bytes)} in ${report.lines.filter(({ layer }) => layer !== undefined).length} layers, ${files} files`,
    `${humanSize(visible)} of it can be seen, ${humanSize(wasted)} is wasted: efficiency ${percent(efficiency)}`,
  ]
  return [head.join('\n'), lineTable(report, columns), wasteText(report), duplicateText(report), cacheText(report)]
    .filter(text => text !== '')
    .join('\n\n')
}

function percent(part: number): string {
  // Rounded down: 100 % means that nothing is wasted.
  return `${Math.floor(part * 1000) / 10} %`
}

function lineTable({ lines, bytes }: SizeReport, columns: number): string {
  const made = lines.filter(({ layer }) => layer !== undefined)
  const rows = made.map(({ layer, bytes: own, files, wasted, createdBy }) => [
    String(layer),
    humanSize(own),
    bytes === 0 ? '' : `${Math.round((own / bytes) * 100)} %`,
    String(files),
    wasted === 0 ? '' : humanSize(wasted),
    clip(createdBy, Math.max(20, columns - 66)),
  ])
  return renderTable([['LAYER', 'SIZE', 'PART', 'FILES', 'WASTED', 'LINE'], ...rows]).trimEnd()
}

function clip(text: string, length: number): string {
  const line = printable(text.replaceAll(/\s+/g, ' '))
  return line.length <= length ? line : `${line.slice(0, length - 1)}…`
}

function wasteText({ waste }: SizeReport): string {
  const rows = waste.slice(0, MOST).map(({ bytes, path, kind, from, by }) => {
    return [humanSize(bytes), kind, `layer ${from} by ${by}`, printable(path)]
  })
  return section('Wasted:', rows, waste.length)
}

function duplicateText({ duplicates }: SizeReport): string {
  const rows = duplicates.slice(0, MOST).map(({ wasted, paths }) => {
    const more = paths.length > 3 ? ` and ${paths.length - 3} more` : ''
    return [humanSize(wasted), `${paths.length} times`, `${paths.slice(0, 3).map(printable).join(' ')}${more}`]
  })
  return section('The same content:', rows, duplicates.length)
}

function cacheText({ caches }: SizeReport): string {
  const rows = caches.map(({ bytes, name, advice }) => [humanSize(bytes), name, advice])
  return section('Hardly needed:', rows, caches.length)
}

function section(title: string, rows: readonly (readonly string[])[], count: number): string {
  if (rows.length === 0) return ''
  const rest = count > rows.length ? `\n  … and ${count - rows.length} more, see --format json` : ''
  const table = renderTable(rows).trimEnd()
  return `${title}\n${table.replaceAll(/^/gm, '  ')}${rest}`
}

/** Directories end in a slash; what is cut off is in their sums. */
export function treeText(root: TreeNode): string {
  return branch(root, '').join('\n')
}

function branch({ name, bytes, files, children }: TreeNode, indent: string): readonly string[] {
  const count = name.endsWith('/') ? `  (${files} ${files === 1 ? 'file' : 'files'})` : ''
  const own = `${humanSize(bytes).padStart(8)}  ${indent}${printable(name)}${count}`
  return [own, ...children.flatMap(child => branch(child, `${indent}  `))]
}

/** What a budget says of the image, a line each. */
export function excessLines(found: readonly Excess[]): readonly string[] {
  return found.map(({ bound, allowed, found: value, line }) => {
    const show = bound === 'minEfficiency' ? percent : bound === 'maxFiles' ? String : humanSize
    const where = line === undefined || line === '' ? '' : ` (${clip(line, 60)})`
    return `${bound}: ${show(value)}${where}, allowed ${bound === 'minEfficiency' ? 'at least' : 'at most'} ${show(allowed)}`
  })
}
