import type { AnyCommand } from './command.ts'

/** A command as the help lists it; its module is loaded only when it is called. */
/** Whether it will do without a process of its own. */
export type HelperGuess = 'direct' | 'separate'

export interface CatalogEntry {
  /** Every form of it, the usual one first: `images`, `image ls`. */
  readonly forms: readonly string[]
  readonly summary: string
  readonly load: () => Promise<AnyCommand>
  /** Guesses from the words behind its name which helper of the sandbox it will ask for: that takes long to start. */
  readonly helperFor?: ((words: readonly string[]) => HelperGuess | undefined) | undefined
}

function entry(
  forms: readonly string[],
  summary: string,
  load: () => Promise<{ readonly default: unknown }>,
  helperFor?: CatalogEntry['helperFor'],
): CatalogEntry {
  return { forms, summary, load: async () => (await load()).default as AnyCommand, helperFor }
}

/** A container in the background has a supervisor, which starts a helper of its own. */
function helperOfRun(words: readonly string[]): HelperGuess | undefined {
  if (words.some(word => /^(?:-[a-zA-Z]*[dh]|--detach|--help)/.test(word))) return undefined
  // Terminals and networks must be there before the container is.
  const plain = / --net(?:work)?[= ](?:host|none) /.test(` ${words.join(' ')} `)
  return plain && !words.some(word => /^(?:-[a-zA-Z]*t|--tty)/.test(word)) ? 'direct' : 'separate'
}

export const CATALOG: readonly CatalogEntry[] = [
  entry(
    ['build', 'image build', 'builder build', 'buildx build', 'buildx b'],
    'Build an image from a Dockerfile',
    () => import('./commands/build.ts'),
  ),
  entry(['base'], 'Make a base image from a distribution’s signed packages', () => import('./commands/base.ts')),
  entry(
    ['verify-rebuild', 'image verify-rebuild'],
    'Build an image again and say where the two differ',
    () => import('./commands/verify-rebuild.ts'),
  ),
  entry(['lint'], 'Check Dockerfiles by rules', () => import('./commands/lint.ts')),
  entry(['explain'], 'Print the page about a rule for Dockerfiles', () => import('./commands/explain.ts')),
  entry(
    ['run', 'container run'],
    'Run a command in a new container from an image',
    () => import('./commands/run.ts'),
    helperOfRun,
  ),
  entry(['images', 'image ls', 'image list'], 'List images', () => import('./commands/images.ts')),
  entry(['create', 'container create'], 'Make a container, without starting it', () => import('./commands/create.ts')),
  entry(['start', 'container start'], 'Start containers that do not run', () => import('./commands/start.ts')),
  entry(['stop', 'container stop'], 'Ask containers to end, and wait for it', () => import('./commands/stop.ts')),
  entry(
    ['restart', 'container restart'],
    'Stop containers and start them again',
    () => import('./commands/restart.ts'),
  ),
  entry(['kill', 'container kill'], 'Send containers a signal', () => import('./commands/kill.ts')),
  entry(['rm', 'container rm', 'container remove'], 'Remove containers', () => import('./commands/rm.ts')),
  entry(['ps', 'container ls', 'container list', 'container ps'], 'List containers', () => import('./commands/ps.ts')),
  entry(['exec', 'container exec'], 'Run a further command in a container', () => import('./commands/exec.ts')),
  entry(['attach', 'container attach'], 'Connect to what a container does', () => import('./commands/attach.ts')),
  entry(['top', 'container top'], 'Show the processes of a container', () => import('./commands/top.ts')),
  entry(['stats', 'container stats'], 'Show what containers take of the machine', () => import('./commands/stats.ts')),
  entry(['logs', 'container logs'], 'Print what a container wrote', () => import('./commands/logs.ts')),
  entry(['wait', 'container wait'], 'Wait until containers have ended', () => import('./commands/wait.ts')),
  entry(['port', 'container port'], 'Show where ports of a container are reached', () => import('./commands/port.ts')),
  entry(['rename', 'container rename'], 'Give a container another name', () => import('./commands/rename.ts')),
  entry(['update', 'container update'], 'Change what containers may use', () => import('./commands/update.ts')),
  entry(['inspect'], 'Show everything recorded about containers and images', () => import('./commands/inspect.ts')),
  entry(
    ['container inspect'],
    'Show everything recorded about one or more containers',
    () => import('./commands/container-inspect.ts'),
  ),
  entry(
    ['image inspect'],
    'Show everything recorded about one or more images',
    () => import('./commands/image-inspect.ts'),
  ),
  entry(
    ['history', 'image history'],
    'Show the layers of an image and what made them',
    () => import('./commands/history.ts'),
  ),
  entry(
    ['size', 'image size'],
    'Show what each line of the Dockerfile costs, and what is wasted',
    () => import('./commands/size.ts'),
  ),
  entry(
    ['diff', 'image diff', 'container diff'],
    'Show what tells two images apart, or what a container has written',
    () => import('./commands/diff.ts'),
  ),
  entry(['commit', 'container commit'], 'Make an image of a container', () => import('./commands/commit.ts')),
  entry(
    ['export', 'container export'],
    'Write all files of a container as a tar archive',
    () => import('./commands/export.ts'),
  ),
  entry(['import', 'image import'], 'Make an image from a tar archive of files', () => import('./commands/import.ts')),
  entry(['tag', 'image tag'], 'Give an image a further name', () => import('./commands/tag.ts')),
  entry(
    ['release tags'],
    'Print the names that a build of a folder is to have',
    () => import('./commands/release-tags.ts'),
  ),
  entry(['promote'], 'Give an image that is there one more tag', () => import('./commands/promote.ts')),
  entry(['whatis'], 'Say what code is behind an image, and where it went', () => import('./commands/whatis.ts')),
  entry(['tags log'], 'Show every move of a tag', () => import('./commands/tags-log.ts')),
  entry(
    ['rollback', 'tags rollback'],
    'Point a tag at the image that it pointed at before',
    () => import('./commands/rollback.ts'),
  ),
  entry(['rmi', 'image rm', 'image remove'], 'Remove one or more images', () => import('./commands/rmi.ts')),
  entry(['pull', 'image pull'], 'Download an image from a registry', () => import('./commands/pull.ts')),
  entry(['push', 'image push'], 'Upload an image to a registry', () => import('./commands/push.ts')),
  entry(
    ['copy', 'image copy'],
    'Copy an image between registries, the store, layouts and archives',
    () => import('./commands/copy.ts'),
  ),
  entry(['login'], 'Log in to a registry', () => import('./commands/login.ts')),
  entry(['logout'], 'Log out from a registry', () => import('./commands/logout.ts')),
  entry(['save', 'image save'], 'Write images to a tar archive or a folder', () => import('./commands/save.ts')),
  entry(['load', 'image load'], 'Read images from a tar archive or a folder', () => import('./commands/load.ts')),
  entry(
    ['registry serve'],
    'Serve the images of the store to docker, podman and others',
    () => import('./commands/registry-serve.ts'),
  ),
  entry(['registry gc'], 'Remove what no repository of the registry needs', () => import('./commands/registry-gc.ts')),
  entry(['container prune'], 'Remove containers that do not run', () => import('./commands/container-prune.ts')),
  entry(['image prune'], 'Remove unused images', () => import('./commands/image-prune.ts')),
  entry(['builder prune', 'buildx prune'], 'Remove build cache', () => import('./commands/builder-prune.ts')),
  entry(
    ['builder du', 'buildx du'],
    'Show what the build cache takes on the disk',
    () => import('./commands/builder-du.ts'),
  ),
  entry(['registry ls'], 'List the repositories of a registry', () => import('./commands/registry-ls.ts')),
  entry(['registry tags'], 'List the tags of a repository', () => import('./commands/registry-tags.ts')),
  entry(
    ['registry manifest'],
    'Print the manifest of an image in its registry',
    () => import('./commands/registry-manifest.ts'),
  ),
  entry(
    ['registry delete', 'registry rm'],
    'Delete tags or images from a registry',
    () => import('./commands/registry-delete.ts'),
  ),
  entry(['volume create'], 'Make a volume', () => import('./commands/volume-create.ts')),
  entry(['volume ls', 'volume list'], 'List volumes', () => import('./commands/volume-ls.ts')),
  entry(['volume inspect'], 'Show what is recorded about volumes', () => import('./commands/volume-inspect.ts')),
  entry(['volume rm', 'volume remove'], 'Remove volumes', () => import('./commands/volume-rm.ts')),
  entry(['volume prune'], 'Remove volumes that no container has', () => import('./commands/volume-prune.ts')),
  entry(['system df'], 'Show what takes how much disk space', () => import('./commands/system-df.ts')),
  entry(
    ['system check'],
    'Verify everything that the store holds, and mend it',
    () => import('./commands/system-check.ts'),
  ),
  entry(['system prune'], 'Remove unused data', () => import('./commands/system-prune.ts')),
  entry(
    ['info', 'system info'],
    'Show where things are and what this machine can do',
    () => import('./commands/info.ts'),
  ),
  entry(['doctor'], 'Look whether this machine has what Shale needs', () => import('./commands/doctor.ts')),
  entry(['version'], 'Show the version', () => import('./commands/version.ts')),
]

export const GROUPS: Readonly<Record<string, string>> = {
  image: 'Manage images',
  container: 'Manage containers',
  builder: 'Manage builds',
  buildx: 'Manage builds, under the name of Docker’s plugin',
  registry: 'Serve a registry, look into others and delete from them',
  system: 'Manage the store',
  volume: 'Manage volumes',
  release: 'Name images after versions and commits',
  tags: 'Manage where tags point',
}

/** The entry whose form the words begin with, the longest first, and what follows it. */
export function findCommand(
  words: readonly string[],
): { readonly entry: CatalogEntry; readonly form: string; readonly rest: readonly string[] } | undefined {
  for (const length of [2, 1]) {
    const form = words.slice(0, length).join(' ')
    const entry = words.length >= length ? CATALOG.find(({ forms }) => forms.includes(form)) : undefined
    if (entry !== undefined) return { entry, form, rest: words.slice(length) }
  }
  return undefined
}

/** The commands of a group, or with `''` those without one, by the name that they have there. */
export function commandsOf(group: string): readonly { readonly name: string; readonly entry: CatalogEntry }[] {
  return CATALOG.flatMap(entry => {
    const prefix = group === '' ? '' : `${group} `
    const form = entry.forms.find(form => form.startsWith(prefix) && !form.slice(prefix.length).includes(' '))
    return form === undefined ? [] : [{ name: form.slice(prefix.length), entry }]
  })
}
