import type { CacheState, Case, Target } from './cases.ts'
import type { EngineName } from './engines/engine.ts'
import type { Floor } from './floors/floors.ts'
import type { Machine } from './machine.ts'

/** All values of one engine in one row; `problem` says why there are none, or not all. */
export interface Sample {
  readonly values: readonly number[]
  readonly parts: readonly Readonly<Record<string, number>>[]
  readonly problem?: string | undefined
}

export interface Row {
  readonly case: Case
  readonly cache: CacheState
  readonly samples: Readonly<Partial<Record<EngineName, Sample>>>
  readonly floor?: Floor | undefined
  /** How the images of two engines differ, as trees; none is good. */
  readonly differences: readonly string[]
  /** Results that were compared with a peer's. */
  readonly compared: number
}

export interface Report {
  readonly at: string
  readonly machine: Machine
  readonly versions: Readonly<Partial<Record<EngineName, string>>>
  readonly files: number
  readonly loadAverage: { readonly before: number; readonly after: number }
  readonly notes: readonly string[]
  readonly rows: readonly Row[]
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}

/** The median of an engine in a row; undefined when there is nothing. */
export function middle(row: Row, engine: EngineName): number | undefined {
  const values = row.samples[engine]?.values ?? []
  return values.length === 0 ? undefined : median(values)
}

/** How many times longer a peer takes. */
export function ratio(row: Row, peer: EngineName): number | undefined {
  const [ours, theirs] = [middle(row, 'shale'), middle(row, peer)]
  return ours === undefined || theirs === undefined ? undefined : theirs / ours
}

export function isMet(row: Row): boolean | undefined {
  const ours = middle(row, 'shale')
  const { target } = row.case
  if (ours === undefined) return undefined
  if (target.kind !== 'faster') return ours <= target.value
  const times = ratio(row, 'docker')
  return times === undefined ? undefined : times >= target.times
}

export function floorSum(row: Row): number | undefined {
  return row.floor === undefined ? undefined : Object.values(row.floor).reduce((sum, part) => sum + part, 0)
}

/** The report for machines: all measurements, and what the table makes of them. */
export function document(report: Report): string {
  const rows = report.rows.map(row => ({
    ...row,
    medians: Object.fromEntries(Object.keys(row.samples).map(name => [name, middle(row, name as EngineName)])),
    ratios: { docker: ratio(row, 'docker'), buildah: ratio(row, 'buildah') },
    limit: floorSum(row),
    met: isMet(row),
  }))
  return `${JSON.stringify({ ...report, rows }, null, 2)}\n`
}

const HEAD = [
  'case',
  'page cache',
  'Shale',
  'Docker',
  'buildah',
  '× Docker',
  '× buildah',
  'target',
  '',
  'limit',
  '× limit',
  'same tree',
]

/** The table for people, in Markdown that is also readable as it is. */
export function table({ rows, files }: Pick<Report, 'rows' | 'files'>): string {
  const lines = [HEAD, ...rows.map(row => cells(row, files))]
  const widths = HEAD.map((_, column) => Math.max(3, ...lines.map(line => [...(line[column] ?? '')].length)))
  const draw = (line: readonly string[]) => `| ${line.map((cell, i) => pad(cell, widths[i] ?? 0, i < 2)).join(' | ')} |`
  const rule = `| ${widths.map((width, i) => (i < 2 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`
  const [head = [], ...body] = lines
  return [draw(head), rule, ...body.map(draw)].join('\n')
}

function cells(row: Row, files: number): readonly string[] {
  const limit = floorSum(row)
  const ours = middle(row, 'shale')
  const met = row.cache === row.case.caches[0] ? isMet(row) : undefined
  return [
    row.case.title.replace('80,000', files.toLocaleString('en')),
    row.cache,
    ...(['shale', 'docker', 'buildah'] as const).map(engine => shown(row, engine)),
    ...(['docker', 'buildah'] as const).map(peer => times(ratio(row, peer))),
    row.cache === row.case.caches[0] ? targetText(row.case.target) : '',
    met === undefined ? '' : met ? 'met' : 'missed',
    limit === undefined ? '' : seconds(limit),
    limit === undefined || ours === undefined ? '' : times(ours / limit),
    row.compared === 0 ? '' : row.differences.length === 0 ? 'yes' : 'NO',
  ]
}

function shown(row: Row, engine: EngineName): string {
  const value = middle(row, engine)
  // Of a problem the table has the first words, what follows in brackets or after a colon is said below it.
  if (value === undefined) return row.samples[engine]?.problem?.split(/[:(]/)[0]?.trim() ?? '–'
  const { target } = row.case
  if (target.kind === 'exponent') return `files^${value.toFixed(2)}`
  return target.kind === 'at-most' && target.unit === 'MB' ? `${Math.round(value)} MB` : seconds(value)
}

function targetText(target: Target): string {
  if (target.kind === 'faster') return `≥ ${target.times}×`
  if (target.kind === 'exponent') return `≤ files^${target.value}`
  return `≤ ${target.unit === 'MB' ? `${target.value} MB` : seconds(target.value)}`
}

export function seconds(value: number): string {
  if (value < 1) return `${Math.round(value * 1000)} ms`
  return `${value.toFixed(value < 10 ? 2 : 1)} s`
}

function times(value: number | undefined): string {
  return value === undefined ? '' : `${value.toFixed(1)}×`
}

function pad(cell: string, width: number, left: boolean): string {
  const space = ' '.repeat(width - [...cell].length)
  return left ? cell + space : space + cell
}

/** What the table cannot hold: differences, failures, the machine. */
export function remarks(report: Report): readonly string[] {
  const { machine, versions } = report
  const failed = report.rows.flatMap(row =>
    Object.entries(row.samples).flatMap(([engine, { problem }]) =>
      problem?.startsWith('failed') ? [`${row.case.scenario}, ${row.cache}: ${engine} ${problem}`] : [],
    ),
  )
  return [
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGB} GB, Linux ${machine.kernel}, Node ${machine.node}`,
    `${Object.values(versions).join(', ')}; ${report.at}; load average ${report.loadAverage.before} before, ${report.loadAverage.after} after`,
    ...report.notes,
    ...new Set(failed),
    ...report.rows.flatMap(row => row.differences.map(line => `${row.case.name}, ${row.cache}: ${line}`)),
  ]
}
