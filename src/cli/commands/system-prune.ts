import { imagesInUse, prunableContainers, pruneContainers } from '../../container/prune.ts'
import { ShaleError } from '../../error.ts'
import type { LocalStore } from '../../store/open.ts'
import { planSystemPrune } from '../../store/prune.ts'
import { labelThatKeeps, type PruneFilter, parsePruneFilters } from '../../store/prune-filter.ts'
import { command } from '../command.ts'
import { boolean } from '../flag.ts'
import { prune, pruneFlags, type RemovedFirst } from '../prune.ts'
import { type MeasuredVolume, removeVolumes, unusedVolumes, volumeSizes } from '../unused-volumes.ts'

export default command({
  usage: '[OPTIONS]',
  about:
    'Remove containers that do not run, dangling images and build cache that no image needs, with --all every image that ' +
    'no container is made from. With --volumes also anonymous volumes that no container has.',
  examples: [
    ['system prune', 'remove what is surely not needed'],
    ['system prune -a --dry-run', 'what an empty store would free'],
    ['system prune --volumes', 'and what containers left on volumes without a name'],
  ],
  args: { min: 0, max: 0 },
  flags: {
    ...pruneFlags,
    all: boolean('Remove all unused images, not only dangling ones', { short: 'a' }),
    volumes: boolean('Remove anonymous volumes too'),
  },
  async run(context, { flags }) {
    const now = Date.now()
    const filter = parsePruneFilters(flags.filter, now)
    if (flags.volumes && filter.before !== undefined) {
      throw new ShaleError('INVALID_FILTER', 'the "until" filter is not supported with "--volumes"', {
        hint: 'it is not recorded when a volume was used last',
      })
    }
    return await prune(context, {
      ...flags,
      name: 'system prune',
      warning: warningOf(flags),
      before: store => (flags.dryRun ? foresee : remove)(store, filter, flags.volumes),
      plan: (store, stage) =>
        planSystemPrune(store, {
          all: flags.all,
          filter,
          now,
          inUse: imagesInUse(store, stage === 'foreseen' ? goingContainers(store, filter) : undefined),
        }),
    })
  },
})

function warningOf({ all, volumes }: { readonly all: boolean; readonly volumes: boolean }): string {
  const what = [
    'all stopped containers',
    ...(volumes ? ['all anonymous volumes not used by at least one container'] : []),
    all ? 'all images without at least one container associated to them' : 'all dangling images',
    all ? 'all build cache' : 'unused build cache',
  ]
  return `WARNING! This will remove:\n${what.map(each => `  - ${each}\n`).join('')}`
}

async function remove(store: LocalStore, filter: PruneFilter, volumes: boolean): Promise<RemovedFirst> {
  const containers = await pruneContainers(store, prunableContainers(store, filter))
  const gone = volumes ? await removeVolumes(store.volumes, prunableVolumes(store, filter)) : []
  return removedFirst(['Deleted Containers', 'Deleted Volumes'], containers, gone)
}

async function foresee(store: LocalStore, filter: PruneFilter, volumes: boolean): Promise<RemovedFirst> {
  const going = goingContainers(store, filter)
  const unused = volumes ? volumeSizes(prunableVolumes(store, filter, going)) : []
  return removedFirst(['Would delete containers', 'Would delete volumes'], prunableContainers(store, filter), unused)
}

function goingContainers(store: LocalStore, filter: PruneFilter): ReadonlySet<string> {
  return new Set(prunableContainers(store, filter).map(({ row }) => row.id))
}

function prunableVolumes({ volumes }: LocalStore, filter: PruneFilter, going?: ReadonlySet<string>) {
  return unusedVolumes(volumes, false, going).filter(({ labels }) => labelThatKeeps(filter, labels) === undefined)
}

function removedFirst(
  [containersAre, volumesAre]: readonly [string, string],
  containers: ReturnType<typeof prunableContainers>,
  volumes: readonly MeasuredVolume[],
): RemovedFirst {
  const block = (heading: string, names: readonly string[]) =>
    names.length === 0 ? '' : `${heading}:\n${names.join('\n')}\n\n`
  const ids = containers.map(({ row }) => row.id)
  const names = volumes.map(({ name }) => name)
  return {
    text: block(containersAre, ids) + block(volumesAre, names),
    bytes: [...containers, ...volumes].reduce((sum, { bytes }) => sum + bytes, 0),
  }
}
