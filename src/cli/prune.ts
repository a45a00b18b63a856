import { shortDigest } from '../oci/digest.ts'
import { familiarReference, parseReference } from '../oci/reference.ts'
import type { LocalStore } from '../store/open.ts'
import { executePrune, type PrunePlan, type PruneResult } from '../store/prune.ts'
import type { CacheRecord, ImageSummary } from '../store/types.ts'
import type { Context } from './command.ts'
import { boolean, list } from './flag.ts'
import { humanSize } from './format/size.ts'
import { renderTable } from './format/table.ts'
import { confirm } from './prompt.ts'

/** What the three prune commands have in common. */
export const pruneFlags = {
  all: boolean('', { short: 'a' }),
  dryRun: boolean('Only show what would go'),
  explain: boolean('Say of everything why it goes or stays'),
  filter: list("Only what matches: 'until=24h', 'label=KEY[=VALUE]', 'label!=KEY'", { placeholder: 'filter' }),
  force: boolean('Do not ask', { short: 'f' }),
}

export interface PruneRequest {
  /** `image prune` */
  readonly name: string
  readonly warning: string
  readonly force: boolean
  readonly dryRun: boolean
  readonly explain: boolean
  /** `foreseen`: before what goes first has gone; the plan counts it as gone. */
  readonly plan: (store: LocalStore, stage: 'foreseen' | 'actual') => PrunePlan
  /** What goes first, or with `dryRun` would. */
  readonly before?: ((store: LocalStore) => Promise<RemovedFirst>) | undefined
}

/** What was removed before images and steps, or with `--dry-run` would be. */
export interface RemovedFirst {
  readonly text: string
  readonly bytes: number
}

const NOTHING: RemovedFirst = { text: '', bytes: 0 }

/** Plans, explains, asks, removes and reports. */
export async function prune(context: Context, request: PruneRequest): Promise<number> {
  const store = await context.store()
  const plan = request.plan(store, 'foreseen')
  if (request.explain) context.out.write(explainPlan(plan))
  if (request.dryRun) {
    const before = (await request.before?.(store)) ?? NOTHING
    const images = plan.images.filter(({ remove }) => remove).map(({ image }) => image)
    const records = plan.records.filter(({ remove }) => remove).map(({ record }) => record)
    context.out.write(before.text)
    if (!request.explain) context.out.write(describeRemoved(images, records, 'Would delete'))
    context.out.write(`Total that would be reclaimed: ${humanSize(plan.bytes + before.bytes)}\n`)
    return 0
  }
  if (!request.force) await confirm(context, request.warning, request.name)
  const before = (await request.before?.(store)) ?? NOTHING
  context.out.write(before.text)
  const result = await executePrune(store, request.before === undefined ? plan : request.plan(store, 'actual'))
  context.out.write(report(result, before.bytes))
  return 0
}

function report({ images, records, collected }: PruneResult, more: number): string {
  return `${describeRemoved(images, records, 'Deleted')}Total reclaimed space: ${humanSize(collected.bytes + more)}\n`
}

function describeRemoved(images: readonly ImageSummary[], records: readonly CacheRecord[], verb: string): string {
  const imageLines = images.flatMap(({ id, names }) => [
    ...names.map(name => `untagged: ${familiarReference(parseReference(name))}`),
    `deleted: ${id}`,
  ])
  const recordLines = records.map(({ key, title }) => `${shortDigest(key)}  ${firstLine(title)}`)
  const block = (what: string, lines: readonly string[]) =>
    lines.length === 0 ? '' : `${verb} ${what}:\n${lines.join('\n')}\n\n`
  return block(verb === 'Deleted' ? 'Images' : 'images', imageLines) + block('build cache objects', recordLines)
}

function explainPlan(plan: PrunePlan): string {
  const images = plan.images.map(({ image, remove, why }) => [remove ? 'goes' : 'stays', imageLabel(image), why])
  const records = plan.records.map(({ record, remove, why }) => [
    remove ? 'goes' : 'stays',
    `step ${shortDigest(record.key)} ${firstLine(record.title)}`,
    why,
  ])
  const rows = [...images, ...records]
  return rows.length === 0 ? 'Nothing to decide about: the store is empty.\n' : renderTable(rows)
}

function imageLabel({ id, names }: ImageSummary): string {
  const [name] = names
  return `image ${name === undefined ? shortDigest(id) : familiarReference(parseReference(name))}`
}

function firstLine(title: string): string {
  const line = title.split('\n')[0] ?? ''
  return line.length > 60 ? `${line.slice(0, 59)}…` : line
}
