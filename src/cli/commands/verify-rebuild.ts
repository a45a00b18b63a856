import { parseSecret } from '../build-grants.ts'
import { buildContexts, buildInput } from '../build-input.ts'
import { type Context, command } from '../command.ts'
import { boolean, list, text } from '../flag.ts'
import { startProgress } from '../progress/progress.ts'
import { rebuildText } from '../rebuild-text.ts'
import { withRegistryClient } from '../registry-client.ts'

export default command({
  usage: '[OPTIONS] IMAGE [PATH | URL]',
  about:
    'Build an image of the store again, as it is recorded how it was built, and say in which layer, path and field the two ' +
    'differ. It is built from nothing but the base images, apart from the store, which stays as it is. Ends with 1 when ' +
    'they differ.',
  examples: [
    ['verify-rebuild app:1.0', 'from the commit that it was built from, or the same folder'],
    ['verify-rebuild app:1.0 ~/other-checkout', 'from another folder'],
    ['verify-rebuild --secret id=npm,src=.npmrc app:1.0', 'values of secrets are not recorded'],
    ['verify-rebuild --format json app:1.0', 'every difference, for a program'],
  ],
  args: { min: 1, max: 2 },
  flags: {
    all: boolean('Show every difference, not only the first ones of each layer'),
    buildContext: list('Where a named context is now', { placeholder: 'name=place' }),
    format: text('text or json', { choices: ['text', 'json'], placeholder: 'format' }),
    quiet: boolean('Do not show the build', { short: 'q' }),
    secret: list('Secret for RUN --mount=type=secret: id=mykey,src=file or id=mykey,env=VARIABLE', {
      placeholder: 'secret',
    }),
    ssh: list('Agent for RUN --mount=type=ssh: default, or id=socket or id=key file', { placeholder: 'id[=path]' }),
  },
  async run(context, { args, flags }) {
    const [image = '', path] = args
    const { signal, env } = context
    const secrets = flags.secret.map(secret => parseSecret(secret, env))
    const contexts = buildContexts(flags.buildContext)
    const given = path === undefined ? undefined : (await buildInput(path, undefined)).context
    const [store, { verifyRebuild }] = await Promise.all([context.store(), import('../../rebuild/rebuild.ts')])
    const ssh = await agents(context, flags.ssh)
    const progress = startProgress(flags.quiet ? 'quiet' : context.err.canRedraw ? 'tty' : 'plain', context)
    try {
      const asked = { image, context: given, contexts, secrets, ssh: ssh.agents, signal, onEvent: progress.onEvent }
      const rebuild = await verifyRebuild(store, asked, { pull: pullWith(context), env })
      progress.end()
      context.out.write(
        flags.format === 'json' ? `${JSON.stringify(rebuild, null, 2)}\n` : rebuildText(rebuild, flags.all),
      )
      return rebuild.same ? 0 : 1
    } catch (error) {
      progress.end()
      throw error
    } finally {
      ssh.end()
    }
  },
})

/** Most rebuilds find their bases in the store. */
function pullWith(context: Context) {
  return async (...[store, name, platform]: Parameters<import('../../rebuild/bring-base.ts').PullInto>) => {
    const { pullImage } = await import('../../registry/client/pull.ts')
    const { signal } = context
    await withRegistryClient(context, client => pullImage(store, name, { platform, signal, client }))
  }
}

async function agents({ env }: Context, words: readonly string[]) {
  if (words.length === 0) return { agents: [], end: () => undefined }
  const { sshAgents } = await import('../ssh-agents.ts')
  return await sshAgents(words, env)
}
