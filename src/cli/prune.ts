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
  readonly plan: (store: LocalStore) => PrunePlan
  /** What goes first, said as it is done; the plan is made anew after it. */
  readonly before?: ((store: LocalStore) => Promise<string>) | undefined
}

/** Plans, explains, asks, removes and reports. */
export async function prune(context: Context, request: PruneRequest): Promise<number> {
  const store = await context.store()
  const plan = request.plan(store)
  if (request.explain) context.out.write(explainPlan(plan))
  if (request.dryRun) {
    const images = plan.images.filter(({ remove }) => remove).map(({ image }) => image)
    const records = plan.records.filter(({ remove }) => remove).map(({ record }) => record)
    if (!request.explain) context.out.write(describeRemoved(images, records, 'Would delete'))
    context.out.write(`Total that would be reclaimed: ${humanSize(plan.bytes)}\n`)
    return 0
  }
  if (!request.force) await confirm(context, request.warning, request.name)
  if (request.before !== undefined) context.out.write(await request.before(store))
  const result = await executePrune(store, request.before === undefined ? plan : request.plan(store))
  context.out.write(report(result))
  return 0
}

function report({ images, records, collected }: PruneResult): string {
  return `${describeRemoved(images, records, 'Deleted')}Total reclaimed space: ${humanSize(collected.bytes)}\n`
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
