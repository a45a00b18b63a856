import type { BaseEvent } from '../../base/make-base.ts'
import { ShaleError } from '../../error.ts'
import { hostPlatform } from '../../oci/platform.ts'
import { familiarReference, formatReference, parseReference } from '../../oci/reference.ts'
import { type Context, command, type Input } from '../command.ts'
import { boolean, list, text } from '../flag.ts'
import { humanSize } from '../format/size.ts'
import { chosenPlatform, platformFlag } from '../platform-flag.ts'

const flags = {
  cmd: list('Word of the command that a container runs; once for each', { placeholder: 'string' }),
  entrypoint: list('Word of the entrypoint; once for each', { placeholder: 'string' }),
  env: list('Variable of the environment, NAME=value', { short: 'e' }),
  fingerprint: list('Trust only this key of the keyring', { placeholder: 'hex' }),
  keyring: list('File with the keys to trust (default: the distribution’s)', { placeholder: 'file' }),
  layers: text('How packages are spread over layers', { choices: ['one', 'groups', 'packages'] }),
  mirror: list('Address to take instead of the distribution’s; more are tried in order', { placeholder: 'url' }),
  package: list('Package that the image is to have, or NAME=VERSION; commas divide several'),
  platform: platformFlag,
  quiet: boolean('Print only the image ID', { short: 'q' }),
  repository: list('Repository as apt has it: URL RELEASE COMPONENT...', { placeholder: 'line' }),
  tag: list('Name of the image', { short: 't' }),
  user: text('User that a container runs as: root, nonroot or a number', { short: 'u' }),
  workdir: text('Folder that a container begins in', { short: 'w' }),
}

export default command({
  usage: '[OPTIONS] [debian:RELEASE | ubuntu:RELEASE]',
  about:
    'Make a base image from a distribution’s signed packages, without root. It holds the packages and what they need, ' +
    'no shell and no package manager unless asked for; the scripts of packages are not run.',
  examples: [
    ['base debian:trixie --package openjdk-21-jre-headless -t java:21', 'a Java runtime'],
    ['base debian:trixie --package python3 --user nonroot -t python', 'for an ordinary user'],
    ['base --repository "file:///srv x main" --keyring k.asc --package x -t x', 'of a repository of your own'],
  ],
  args: { min: 0, max: 1 },
  flags,
  async run(context, { args, flags }) {
    const names = flags.tag.map(name => formatReference(parseReference(name)))
    const packages = flags.package.flatMap(one => one.split(',')).filter(one => one !== '')
    if (packages.length === 0) {
      throw new ShaleError('NO_PACKAGES', 'no package is named', { hint: 'name one: --package ca-certificates' })
    }
    const options = { ...(await originOf(context, args[0], flags)), packages }
    const store = await context.store()
    const lease = store.lease('base')
    try {
      const { makeBase } = await import('../../base/make-base.ts')
      const { digest } = await makeBase(store, lease, options)
      store.images.tagAll(names, digest, 'base')
      context.out.write(`${digest}\n`)
      if (!flags.quiet) for (const name of names) context.out.write(`${familiarReference(parseReference(name))}\n`)
      return 0
    } finally {
      lease.end()
    }
  },
})

async function originOf(context: Context, name: string | undefined, given: Input<typeof flags>['flags']) {
  const base = await import('../../base/distribution.ts')
  const platform = chosenPlatform(given.platform, context) ?? hostPlatform()
  const known =
    name === undefined
      ? undefined
      : base.findDistribution(name, base.debianArchitecture(platform), mirrorsOf(given.mirror))
  const repositories = [...(known?.repositories ?? []), ...given.repository.map(base.parseRepository)]
  if (repositories.length === 0) {
    throw new ShaleError('NO_DISTRIBUTION', 'no distribution is named', { hint: 'name one, such as debian:trixie' })
  }
  const keyrings = given.keyring.length > 0 || known === undefined ? given.keyring : [known.keyring]
  if (keyrings.length === 0) {
    throw new ShaleError('KEYRING_MISSING', 'no keyring is named', { hint: 'name the keys to trust with --keyring' })
  }
  for (const path of keyrings) base.checkKeyring(path)
  const fingerprints = given.fingerprint.map(one => one.replace(/^0x|\s/gi, '').toUpperCase())
  return {
    ...{ repositories, trust: { keyrings, fingerprints }, platform, config: configOf(given) },
    layering: (given.layers ?? 'groups') as 'one' | 'groups' | 'packages',
    compression: 'zstd' as const,
    env: context.env,
    onEvent: given.quiet ? () => undefined : narrate(context),
    signal: context.signal,
  }
}

function mirrorsOf(given: readonly string[]): readonly string[] {
  for (const one of given) {
    if (URL.canParse(one) && /^(?:https?|file):$/.test(new URL(one).protocol)) continue
    throw new ShaleError('REPOSITORY_INVALID', `invalid mirror ${JSON.stringify(one)}`, {
      hint: 'write its address, such as http://ftp.debian.org/debian',
    })
  }
  return given.map(one => one.replace(/\/+$/, ''))
}

function configOf({ cmd, entrypoint, env, user, workdir }: Input<typeof flags>['flags']) {
  return {
    ...(user !== undefined && { User: user }),
    ...(env.length > 0 && { Env: env }),
    ...(entrypoint.length > 0 && { Entrypoint: entrypoint }),
    ...(cmd.length > 0 && { Cmd: cmd }),
    WorkingDir: workdir ?? '/',
  }
}

function narrate({ err }: Context): (event: BaseEvent) => void {
  return event => {
    if (event.kind === 'resolved') {
      const bytes = event.packages.reduce((sum, { size }) => sum + size, 0)
      err.write(`${event.packages.length} packages, ${humanSize(bytes)}\n`)
    } else if (event.kind === 'layer') {
      const { name, packages, layer } = event
      const many = packages === 0 ? '' : `: ${packages} ${packages === 1 ? 'package' : 'packages'}`
      err.write(`Layer ${name}${many}, ${humanSize(layer.blob.size)}\n`)
    }
  }
}
