import { resolve } from 'node:path'
import { ShaleError } from '../../error.ts'
import { DEFAULT_SETTINGS } from '../../registry/server/config/settings.ts'
import { parseDuration } from '../../registry/server/config/units.ts'
import { collectOnce } from '../../registry/server/local/collect.ts'
import { treeRemover } from '../../sandbox/remove-tree.ts'
import { defaultRoot, openStore } from '../../store/open.ts'
import { command } from '../command.ts'
import { text } from '../flag.ts'
import { humanSize } from '../format/size.ts'

export default command({
  usage: '[OPTIONS]',
  about:
    'Remove blobs that no manifest of the registry needs, uploads that were given up, and what nothing in the store ' +
    'refers to any more. Servers, pushes and pulls may go on meanwhile. Manifests stay until they are deleted, with ' +
    'or without a tag.',
  examples: [
    ['registry gc', 'what has not been needed for an hour'],
    ['registry gc --grace 7d', 'what has not been needed for a week'],
  ],
  args: { min: 0, max: 0 },
  flags: {
    data: text('Folder of the data (default: the store of every command)', { placeholder: 'folder' }),
    grace: text('How long a blob stays that no manifest names, two minutes at least (default 1h)', {
      placeholder: 'time',
    }),
  },
  async run(context, { flags }) {
    const grace = flags.grace === undefined ? DEFAULT_SETTINGS.collection.grace : parseDuration(flags.grace)
    if (!grace) {
      const hint = "see 'shale registry gc --help'"
      throw new ShaleError('INVALID_OPTION', `--grace ${flags.grace} is not a time like 10m or 6h`, { hint })
    }
    const data = flags.data === undefined ? undefined : resolve(flags.data)
    const root = data ?? context.root ?? defaultRoot(context.env, process.getuid?.() ?? 0)
    const store = openStore({ root, durable: true, removeTree: treeRemover(root) })
    try {
      const { uploads, links, collected } = await collectOnce(store, { grace })
      context.out.write(`Removed from repositories: ${count(links, 'blob')}\nGiven up: ${count(uploads, 'upload')}\n`)
      context.out.write(`Total reclaimed space: ${humanSize(collected.bytes)}\n`)
      return 0
    } finally {
      store.close()
    }
  },
})

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}
