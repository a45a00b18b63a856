import { treeRemover } from '../../sandbox/remove-tree.ts'
import { type CheckProgress, type CheckResult, checkStore, type Finding } from '../../store/check.ts'
import { openForCheck } from '../../store/check-open.ts'
import { defaultRoot } from '../../store/open.ts'
import type { Rebuilt } from '../../store/rebuild.ts'
import { type Context, command } from '../command.ts'
import { boolean, text } from '../flag.ts'
import { humanSize } from '../format/size.ts'

export default command({
  usage: '[OPTIONS]',
  about:
    'Verify every blob, table of contents, unpacked layer, reference and recorded step of the store. Exit code 0 when all is well, 1 when something is left to do.',
  examples: [
    ['system check', 'look, and change nothing'],
    ['system check --repair', 'mend what can be mended'],
    ['system check --format json', 'for a program'],
  ],
  args: { min: 0, max: 0 },
  flags: {
    format: text('How to print it', { choices: ['text', 'json'] }),
    repair: boolean('Mend what can be mended, and forget what is damaged so that it is fetched or made again'),
  },
  async run(context, { flags }) {
    const root = context.root ?? defaultRoot(context.env, process.getuid?.() ?? 0)
    const { store, ...opened } = await openForCheck({ root, removeTree: treeRemover(root) }, flags.repair)
    try {
      const progress = showProgress(context)
      const { signal } = context
      const result = await checkStore(store, { repair: flags.repair, signal, onProgress: progress.on }).finally(
        progress.end,
      )
      const left = result.left.length + (opened.rebuilt?.lostTags.length ?? 0)
      const report = { root, result, ...opened, repair: flags.repair }
      context.out.write(flags.format === 'json' ? reportJson(report) : reportText(report))
      return left === 0 ? 0 : 1
    } finally {
      store.close()
    }
  },
})

interface Report {
  readonly root: string
  readonly result: CheckResult
  readonly rebuilt: Rebuilt | undefined
  readonly reindexed: boolean
  readonly repair: boolean
}

function reportText({ root, result, rebuilt, reindexed, repair }: Report): string {
  const { findings, left, blobs, trees, bytes } = result
  const lines = findings.flatMap(finding => [
    `${finding.kind}: ${finding.problem}`,
    `  ${verbFor(finding, left, repair)}: ${finding.remedy}`,
  ])
  const read = `${blobs} blobs and ${trees} unpacked layers, ${humanSize(bytes)}, in ${root}`
  const indexes = reindexed ? ['database: its indexes did not fit its rows\n  repaired: made anew from the rows'] : []
  return `${[...rebuiltLines(rebuilt), ...indexes, ...lines, `${summary(result, repair)} (${read})`].join('\n')}\n`
}

function verbFor(finding: Finding, left: readonly Finding[], repair: boolean): string {
  if (!left.includes(finding)) return 'repaired'
  return finding.mends && !repair ? 'with --repair' : 'to do'
}

function summary({ findings, left }: CheckResult, repair: boolean): string {
  if (findings.length === 0) return 'All is well'
  if (!repair) return `${problems(findings.length)}; run it with --repair`
  return left.length === 0 ? `${problems(findings.length)}, all repaired` : `${problems(left.length)} left`
}

function problems(count: number): string {
  return count === 1 ? '1 problem' : `${count} problems`
}

function rebuiltLines(rebuilt: Rebuilt | undefined): readonly string[] {
  if (rebuilt === undefined) return []
  const { kept, images, tags, lostTags } = rebuilt
  return [
    `database: made anew from the blobs, with ${images} images and ${tags.length} names`,
    ...(kept === undefined ? [] : [`  the damaged one is kept as ${kept}`]),
    ...lostTags.map(name => `tag: ${name} is lost with its image\n  to do: pull or build it again`),
  ]
}

function reportJson({ root, result, rebuilt, reindexed, repair }: Report): string {
  const { left, findings, ...counts } = result
  const clean = left.length === 0 && (rebuilt?.lostTags.length ?? 0) === 0
  const items = findings.map(({ mends: _, ...finding }) => ({
    ...finding,
    repaired: !left.some(one => one.id === finding.id && one.kind === finding.kind),
  }))
  return `${JSON.stringify({ root, clean, repair, ...counts, findings: items, reindexed, rebuilt: rebuilt ?? null }, null, 2)}\n`
}

const SHOWN_EVERY_MS = 200

/** One line on a terminal, rewritten; nothing elsewhere. */
function showProgress({ err }: Context): { readonly on: (progress: CheckProgress) => void; readonly end: () => void } {
  if (!err.canRedraw) return { on: () => {}, end: () => {} }
  let shown = performance.now()
  return {
    on({ what, bytes }) {
      const now = performance.now()
      if (now - shown < SHOWN_EVERY_MS) return
      shown = now
      err.write(`\r\x1b[Kchecking ${what}: ${humanSize(bytes)}`)
    },
    end: () => err.write('\r\x1b[K'),
  }
}
