import { parseRestartPolicy } from '../../container/restart-policy.ts'
import { updateContainer } from '../../container/update.ts'
import { command } from '../command.ts'
import { eachContainer } from '../each-container.ts'
import { text } from '../flag.ts'
import { resourceFlags, resourcesOf } from '../resource-flags.ts'
import { UsageError } from '../usage-error.ts'

const { shmSize: _shmSize, ulimit: _ulimit, ...limits } = resourceFlags

export default command({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  about:
    'Change what containers may use and when they start again. A limit of a kind that the container was started without\n' +
    'holds from its next start on, which is said.',
  examples: [
    ['update --restart unless-stopped web', 'start it again from now on'],
    ['update -m 512m --cpus 1.5 web db', 'other limits'],
  ],
  args: { min: 1, max: Number.POSITIVE_INFINITY },
  flags: {
    ...limits,
    restart: text('When to start it again: no, on-failure[:N], always, unless-stopped', { placeholder: 'policy' }),
  },
  async run(context, { args, flags }) {
    const { restart, ...limited } = flags
    if (Object.values(flags).every(value => value === undefined)) {
      throw new UsageError('you must provide one or more flags when using this command', '', 1)
    }
    const resources = resourcesOf(limited)
    const policy = restart === undefined ? undefined : parseRestartPolicy(restart)
    return await eachContainer(context, args, async (store, row) => {
      const holds = updateContainer(store, row, { resources, restart: policy })
      if (holds === 'now') return
      context.err.write(`WARNING: ${row.name}: not all of these limits can be set while it runs; restart it for them\n`)
    })
  },
})
