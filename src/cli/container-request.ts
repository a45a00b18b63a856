import { existsSync, writeFileSync } from 'node:fs'
import type { PullImage } from '../build/base-image.ts'
import { parseExtraHost } from '../build/extra-host.ts'
import type { RunImageOptions } from '../container/run.ts'
import { ShaleError } from '../error.ts'
import { familiarReference, parseReference } from '../oci/reference.ts'
import type { Store } from '../store/types.ts'
import { checkDestination } from './check-destination.ts'
import type { Context, Input } from './command.ts'
import { isolationOf } from './isolation-flags.ts'
import { lifeOf } from './life-flags.ts'
import { mountsOf } from './mount-options.ts'
import { networkOf, onHostNetwork } from './network-flags.ts'
import { chosenPlatform } from './platform-flag.ts'
import { withRegistryClient } from './registry-client.ts'
import { type containerFlags, environment } from './run-options.ts'
import { windowSize } from './window-size.ts'

/** What `run` and `create` are asked to make. */
export async function containerRequest(
  context: Context,
  { args, flags }: Input<typeof containerFlags>,
): Promise<RunImageOptions> {
  const [image = '', ...words] = args
  if (flags.workdir !== undefined && !flags.workdir.startsWith('/')) {
    throw new ShaleError(
      'INVALID_WORKDIR',
      `the working directory ${JSON.stringify(flags.workdir)} is invalid, it needs to be an absolute path`,
    )
  }
  const life = lifeOf(flags)
  const network = await networkOf(flags)
  if (flags.rm && life.restart !== undefined && life.restart.name !== 'no') {
    throw new ShaleError('CONFLICTING_OPTIONS', 'conflicting options: cannot specify both --restart and --rm', {
      hint: 'a container that is started again must stay',
    })
  }
  return {
    image,
    name: flags.name,
    command: words,
    entrypoint: flags.entrypoint,
    env: environment(flags.envFile, flags.env, context.env),
    workdir: flags.workdir,
    user: flags.user,
    mounts: mountsOf(flags, process.cwd()),
    network,
    hostname: flags.hostname,
    addHosts: flags.addHost.map(parseExtraHost),
    readonlyRoot: flags.readOnly,
    groupAdd: flags.groupAdd,
    platform: chosenPlatform(flags.platform, context),
    pull: flags.pull as RunImageOptions['pull'],
    autoRemove: flags.rm,
    interactive: flags.interactive,
    ...life,
    isolation: await isolationOf(flags, await onHostNetwork(network)),
    streams: flags.tty ? windowSize() : flags.interactive ? 'inherit' : 'output',
  }
}

/** Writes the ID of `--cidfile`. One that is there belongs to another container: throws `CIDFILE_EXISTS` or `DESTINATION` beforehand. */
export function cidfile(path: string | undefined): (id: string) => void {
  if (path === undefined) return () => {}
  if (existsSync(path)) {
    const why = "container ID file found, make sure the other container isn't running or delete"
    throw new ShaleError('CIDFILE_EXISTS', `${why} ${path}`)
  }
  checkDestination('--cidfile', path)
  return id => writeFileSync(path, id, { flag: 'wx' })
}

export function pullWithProgress(context: Context, store: Store, quiet: boolean, signal?: AbortSignal): PullImage {
  return async (name, platform) => {
    const { pullImage } = await import('../registry/client/pull.ts')
    const { showTransfer } = await import('./progress/transfer.ts')
    const { err, debug } = context
    const progress = quiet ? undefined : showTransfer('pull', { out: err, err, debug })
    if (!quiet) context.err.write(`Unable to find image '${familiarReference(parseReference(name))}' locally\n`)
    try {
      await withRegistryClient(context, client =>
        pullImage(store, name, {
          platform,
          onEvent: progress?.onEvent,
          client,
          ...(signal !== undefined && { signal }),
        }),
      )
    } finally {
      progress?.end()
    }
  }
}
