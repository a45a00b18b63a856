import { parsePruneFilters } from '../../store/prune-filter.ts'
import { resolveImage } from '../../store/resolve.ts'
import type { ImageSummary } from '../../store/types.ts'
import { command } from '../command.ts'
import { booleanFilter, type Filters, globToRegExp, matchesLabels, parseFilters } from '../filter.ts'
import { boolean, list, text } from '../flag.ts'
import { formatRows } from '../format/format.ts'
import { byAge, createdAt, IMAGE_LISTING, imageRow, type NamedImage, namedImages } from '../image-rows.ts'

const KEYS = ['before', 'dangling', 'label', 'reference', 'since', 'until']

export default command({
  usage: '[OPTIONS] [REPOSITORY[:TAG]]',
  about:
    'List images, newest first. SIZE is what the files take when unpacked; what they take on this disk is in ' +
    '`shale system df -v`.',
  examples: [
    ['images', 'all images'],
    ['images myorg/app', 'those of one repository'],
    ['images --filter dangling=true -q', 'IDs of images that have lost their name'],
    ["images --format '{{.Repository}}:{{.Tag}} {{.Size}}'", 'only these fields'],
  ],
  args: { min: 0, max: 1 },
  flags: {
    all: boolean('Also show intermediate images (Shale makes none)', { short: 'a' }),
    digests: boolean('Show digests'),
    filter: list(`Show only images for which this holds (${KEYS.join(', ')})`, { short: 'f', placeholder: 'filter' }),
    format: text("Go template, 'table TEMPLATE', or json", { placeholder: 'string' }),
    noTrunc: boolean('Show whole IDs'),
    quiet: boolean('Show only image IDs', { short: 'q' }),
  },
  async run(context, { args, flags }) {
    const filters = parseFilters(flags.filter, KEYS)
    const store = await context.store()
    const now = Date.now()
    const moments = {
      before: edge(filters.get('before')?.map(name => store.images.get(resolveImage(store, name).id))),
      since: edge(filters.get('since')?.map(name => store.images.get(resolveImage(store, name).id))),
      until: parsePruneFilters(
        (filters.get('until') ?? []).map(text => `until=${text}`),
        now,
      ).before,
    }
    const images = [...store.images.list()].sort(byAge).filter(image => keeps(image, filters, moments))
    const patterns = [...(filters.get('reference') ?? []), ...args].map(globToRegExp)
    const dangling = booleanFilter(filters, 'dangling')
    const lines = images
      .flatMap(namedImages)
      .filter(line => patterns.length === 0 || patterns.some(pattern => matchesName(line, pattern)))
      .filter(line => dangling === undefined || (line.tag === '<none>') === dangling)
    const rows = lines.map(line => imageRow(line, { noTrunc: flags.noTrunc, now }))
    const table = flags.quiet ? '{{.ID}}' : tableFormat(flags.digests)
    const format = flags.format === undefined || flags.format === 'table' ? table : flags.format
    context.out.write(formatRows(format, IMAGE_LISTING, rows))
    return 0
  },
})

function tableFormat(digests: boolean): string {
  return `table {{.Repository}}\t{{.Tag}}\t${digests ? '{{.Digest}}\t' : ''}{{.ID}}\t{{.CreatedSince}}\t{{.Size}}`
}

/** When the last of the named images was made. */
function edge(images: readonly (ImageSummary | undefined)[] | undefined): number | undefined {
  const last = images?.at(-1)
  return last === undefined ? undefined : (createdAt(last) ?? last.addedAt)
}

interface Moments {
  readonly before: number | undefined
  readonly since: number | undefined
  readonly until: number | undefined
}

function keeps(image: ImageSummary, filters: Filters, { before, since, until }: Moments): boolean {
  const created = createdAt(image) ?? 0
  if (before !== undefined && created >= before) return false
  if (since !== undefined && created <= since) return false
  if (until !== undefined && created > until) return false
  return matchesLabels(image.details?.labels ?? {}, filters.get('label') ?? [])
}

/** docker matches a pattern against the name with its tag and without. */
function matchesName({ repository, tag }: NamedImage, pattern: RegExp): boolean {
  return tag !== '<none>' && (pattern.test(repository) || pattern.test(`${repository}:${tag}`))
}
