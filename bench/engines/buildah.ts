import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { LIMITS } from '../../test/peers/buildah.ts'
import type { Commands, Engine } from './engine.ts'
import { openSession } from './session.ts'

const COMMANDS: Commands = {
  build: ({ context, dockerfile, tag, buildArgs = {} }) => [
    ...['build', '-q', '--layers', '--pull=never', '--runtime=runc', '--network=host', ...LIMITS],
    ...Object.entries(buildArgs).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
    ...['-f', dockerfile, '-t', tag, context],
  ],
  load: archive => ['pull', '-q', `docker-archive:${archive}`],
  run: undefined,
  push: image => ['push', '-q', '--tls-verify=false', image],
  save: (image, archive) => ['push', '-q', image, `docker-archive:${archive}:${image}`],
  tag: (image, name) => ['tag', image, name],
  images: ['images'],
  version: ['--version'],
}

/** buildah with overlay storage in a folder of its own. RUN steps go through runc, as test/peers/buildah.ts says. */
export async function openBuildah(work: string, contexts: string): Promise<Engine> {
  const storage = join(work, 'buildah')
  const names = join(work, 'buildah-names')
  await mkdir(storage)
  await mkdir(names)
  const binds = [
    { host: contexts, inner: contexts },
    { host: storage, inner: '/var/lib/containers' },
    // Where it keeps what short names stand for: without it `FROM base` is not found.
    { host: names, inner: '/var/cache/containers' },
  ]
  const session = await openSession('buildah', work, binds)
  const exec = (args: readonly string[]) => session.exec(['buildah', '--storage-driver=overlay', ...args])
  const { stdout } = await exec(COMMANDS.version)
  return {
    name: 'buildah',
    version: /\d+\.\d+\.\d+/.exec(stdout)?.[0] ? `buildah ${/\d+\.\d+\.\d+/.exec(stdout)?.[0]}` : stdout.trim(),
    commands: COMMANDS,
    exec,
    peak: undefined,
    reset: async () => {
      await exec(['rm', '-a'])
      await exec(['rmi', '-af'])
      await exec(['prune', '-af'])
    },
    close: session.close,
  }
}
