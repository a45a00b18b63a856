import { type Digest, shortDigest } from '../../oci/digest.ts'
import type { HistoryEntry, ImageConfig } from '../../oci/image-config.ts'
import { parsePlatform } from '../../oci/platform.ts'
import { resolveImage } from '../../store/resolve.ts'
import { command } from '../command.ts'
import { boolean, text } from '../flag.ts'
import { formatRows, type Listing } from '../format/format.ts'
import { humanSize } from '../format/size.ts'
import { isoLocalTime, timeAgo } from '../format/time.ts'
import { layerSizes } from '../layer-sizes.ts'

const LISTING: Listing = {
  type: '*formatter.historyContext',
  headings: {
    Comment: 'COMMENT',
    CreatedAt: 'CREATED AT',
    CreatedBy: 'CREATED BY',
    CreatedSince: 'CREATED',
    ID: 'IMAGE',
    Size: 'SIZE',
  },
}

const LONGEST_COMMAND = 45

export default command({
  usage: '[OPTIONS] IMAGE',
  about: 'Show the layers of an image, the last one first: what made each of them, when, and how large its files are.',
  examples: [
    ['history myapp:1.0', 'which step made the image large?'],
    ['history --no-trunc myapp:1.0', 'with whole commands'],
    ["history --format '{{.Size}} {{.CreatedBy}}' myapp:1.0", 'only these fields'],
  ],
  args: { min: 1, max: 1 },
  flags: {
    format: text("Go template, 'table TEMPLATE', or json"),
    human: boolean('Sizes and dates for people; --human=false for bytes and times', { short: 'H' }, true),
    noTrunc: boolean('Show whole IDs and commands'),
    platform: text('Of an image for several platforms, the one for this', { placeholder: 'os/arch' }),
    quiet: boolean('Show only image IDs', { short: 'q' }),
  },
  async run(context, { args, flags }) {
    const store = await context.store()
    const { id } = resolveImage(store, args[0] as string)
    const image = await store.images.open(id, flags.platform === undefined ? undefined : parsePlatform(flags.platform))
    const steps = historyWithSizes(image.config, layerSizes(store, image)).toReversed()
    const options = { human: flags.human, noTrunc: flags.noTrunc, now: Date.now() }
    const rows = steps.map((step, at) => row(step, at === 0 ? id : undefined, options))
    const usual = `table {{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}`
    const format = flags.quiet ? '{{.ID}}' : (flags.format ?? 'table')
    context.out.write(formatRows(format === 'table' ? usual : format, headingsFor(flags.human), rows))
    return 0
  },
})

interface SizedStep extends HistoryEntry {
  readonly size: number
}

/** History entries with the size of the layer that each made; layers without an entry get an empty one. */
export function historyWithSizes(config: ImageConfig, sizes: readonly number[]): readonly SizedStep[] {
  let layer = 0
  const steps = (config.history ?? []).map(entry => ({ ...entry, size: entry.empty_layer ? 0 : (sizes[layer++] ?? 0) }))
  return [...steps, ...sizes.slice(layer).map(size => ({ size }))]
}

interface RowOptions {
  readonly human: boolean
  readonly noTrunc: boolean
  readonly now: number
}

function row(step: SizedStep, id: Digest | undefined, { human, noTrunc, now }: RowOptions): Record<string, string> {
  const created = Date.parse(step.created ?? '')
  const at = Number.isNaN(created) ? 'N/A' : isoLocalTime(created)
  const by = (step.created_by ?? '').replaceAll(/[\t\n]/g, ' ')
  return {
    Comment: step.comment ?? '',
    CreatedAt: at,
    CreatedBy: noTrunc ? by : ellipsis(by, LONGEST_COMMAND),
    CreatedSince: human ? timeAgo(created, now) : at,
    ID: id === undefined ? '<missing>' : noTrunc ? id : shortDigest(id),
    Size: human ? humanSize(step.size) : String(step.size),
  }
}

function ellipsis(text: string, longest: number): string {
  const characters = [...text]
  return characters.length <= longest ? text : `${characters.slice(0, longest - 1).join('')}…`
}

function headingsFor(human: boolean): Listing {
  return human ? LISTING : { ...LISTING, headings: { ...LISTING.headings, CreatedSince: 'CREATED AT' } }
}
