import type { Bind } from '../../scripts/bases/enter.ts'
import { startDocker } from '../../test/peers/docker.ts'
import type { Commands, Engine } from './engine.ts'
import { openSession } from './session.ts'

const COMMANDS: Commands = {
  build: ({ context, dockerfile, tag, buildArgs = {} }) => [
    ...['build', '-q', '--network=host', '-f', dockerfile, '-t', tag],
    ...Object.entries(buildArgs).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
    context,
  ],
  load: archive => ['load', '-q', '-i', archive],
  // The engine has no bridge here, and a container without one starts sooner.
  run: image => ['run', '--rm', '--network=host', image, 'true'],
  push: image => ['push', '-q', image],
  save: (image, archive) => ['save', '-o', archive, image],
  tag: (image, name) => ['tag', image, name],
  images: ['images'],
  version: ['--version'],
}

/** Docker Engine with BuildKit, its data in a folder of its own. */
export async function openDocker(work: string, contexts: string): Promise<Engine> {
  const engine = await startDocker([work, contexts])
  const folder = engine.host.replace(/^unix:\/\//, '').replace(/\/[^/]*$/, '')
  const binds: readonly Bind[] = [folder, contexts].map(path => ({ host: path, inner: path }))
  const session = await openSession('docker', work, binds)
  const exec = (args: readonly string[]) => session.exec(['docker', '-H', engine.host, ...args])
  return {
    name: 'docker',
    version: `Docker Engine ${(await engine.docker('version', '--format', '{{.Server.Version}}')).trim()}`,
    commands: COMMANDS,
    exec,
    peak: undefined,
    reset: async () => {
      const { stdout } = await exec(['images', '-aq'])
      const ids = [...new Set(stdout.split('\n').filter(id => id !== ''))]
      if (ids.length > 0) await exec(['rmi', '-f', ...ids])
      await exec(['builder', 'prune', '-af'])
    },
    close: async () => {
      await session.close()
      await engine.stop()
    },
  }
}
