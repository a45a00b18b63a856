import { readFileSync } from 'node:fs'
import { excesses, parseBudget } from '../../advise/size/budget.ts'
import { sizeReport } from '../../advise/size/report.ts'
import { sizeTree } from '../../advise/size/tree.ts'
import { eachVisible, visibleFiles } from '../../advise/size/visible.ts'
import { ShaleError } from '../../error.ts'
import type { ByteString } from '../../layer/entry.ts'
import type { Toc } from '../../layer/toc.ts'
import { parsePlatform } from '../../oci/platform.ts'
import { command } from '../command.ts'
import { boolean, text } from '../flag.ts'
import { excessLines, sizeText, treeText } from '../size-text.ts'
import { withImages } from '../visited-images.ts'

export default command({
  usage: '[OPTIONS] IMAGE',
  about:
    'Show what each line of the Dockerfile costs, what is wasted (overwritten, deleted, there twice), caches that are left, ' +
    'and how much of the image a container sees. Nothing is unpacked for it. IMAGE is one of the store, ' +
    'or docker://NAME (a registry), oci:PATH[:NAME], oci-archive:PATH[:NAME] or docker-archive:PATH[:NAME].',
  examples: [
    ['size myapp:1.0', 'which line made the image large?'],
    ['size --tree --layer 2 myapp:1.0', 'what is in that layer?'],
    ['size docker://registry.example.com/app:1', 'before it is pulled: what is read is not kept'],
    ['size --ci budget.yaml myapp:1.0', 'exit with 1 when the image is larger than allowed'],
    ['size --format json myapp:1.0', 'everything, for a script'],
  ],
  args: { min: 1, max: 1 },
  flags: {
    ci: text('Compare with the budget in this file', { placeholder: 'file' }),
    depth: text('Levels of the tree (default: 2)', { placeholder: 'number' }),
    format: text('text (default) or json', { choices: ['text', 'json'] }),
    layer: text('Tree of this layer, the lowest is 0 (default: the whole image)', { placeholder: 'number' }),
    platform: text('Of an image for several platforms, the one for this', { placeholder: 'os/arch' }),
    tree: boolean('Show directories by size'),
  },
  async run(context, { args, flags }) {
    const budget = flags.ci === undefined ? undefined : await parseBudget(flags.ci, readFileSync(flags.ci, 'utf8'))
    const platform = flags.platform === undefined ? undefined : parsePlatform(flags.platform)
    return await withImages(context, args, platform, async ([files]) => {
      if (files === undefined) throw new Error('one image was asked for')
      const { layers } = files.view
      if (flags.tree || flags.layer !== undefined) {
        const tree = sizeTree(filesOf(layers, flags.layer), wholeNumber('--depth', flags.depth ?? '2'))
        context.out.write(`${flags.format === 'json' ? JSON.stringify(tree, undefined, 2) : treeText(tree)}\n`)
        return 0
      }
      const report = sizeReport(files.image.config, layers)
      const over = budget === undefined ? [] : excesses(report, budget)
      if (flags.format === 'json') {
        const whole = budget === undefined ? report : { ...report, excesses: over }
        context.out.write(`${JSON.stringify(whole, undefined, 2)}\n`)
      } else context.out.write(`${sizeText(report, context.out.columns)}\n`)
      for (const line of excessLines(over)) context.err.write(`Over budget: ${line}\n`)
      return over.length === 0 ? 0 : 1
    })
  },
})

function filesOf(layers: readonly Toc[], layer: string | undefined): readonly (readonly [ByteString, number])[] {
  if (layer === undefined) {
    const files: (readonly [ByteString, number])[] = []
    eachVisible(visibleFiles(layers), ({ path, size }) => files.push([path, size]))
    return files
  }
  const toc = layers[wholeNumber('--layer', layer)]
  if (toc === undefined) {
    throw new ShaleError('NO_SUCH_LAYER', `the image has no layer ${layer}: it has ${layers.length}, the lowest is 0`)
  }
  return toc.entries.flatMap(entry => (entry.kind === 'file' ? [[entry.path, entry.size] as const] : []))
}

function wholeNumber(flag: string, text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text)
  throw new ShaleError('INVALID_NUMBER', `${flag} ${JSON.stringify(text)}: it takes a whole number`)
}
