import type { ContainerRow } from '../store/containers.ts'
import type { LocalStore } from '../store/open.ts'
import { findImage } from '../store/resolve.ts'
import { type ListedContainer, mountNames, networkName, stateName } from './container-rows.ts'
import { type Filters, globToRegExp, matchesLabels } from './filter.ts'
import { UsageError } from './usage-error.ts'

export const CONTAINER_FILTERS = [
  ...['ancestor', 'before', 'exited', 'health', 'id', 'label', 'name', 'network', 'since', 'status', 'volume'],
]

const STATES = ['created', 'restarting', 'running', 'removing', 'paused', 'exited', 'dead']

/** Those for which every key holds; of one key's values any will do, but all labels are wanted. */
export function filterContainers(
  store: LocalStore,
  filters: Filters,
  all: readonly ListedContainer[],
): readonly ListedContainer[] {
  const check = checks(store, all)
  return all.filter(container =>
    [...filters].every(([key, values]) =>
      key === 'label'
        ? matchesLabels(container.options.labels, values)
        : values.some(value => check[key]?.(container, value) === true),
    ),
  )
}

type Check = (container: ListedContainer, value: string) => boolean

function checks(store: LocalStore, all: readonly ListedContainer[]): Readonly<Record<string, Check>> {
  const createdAt = (text: string) => named(all, text).createdAt
  return {
    id: ({ row }, value) => row.id.startsWith(value),
    name: ({ row }, value) => new RegExp(pattern(value)).test(row.name) || globToRegExp(value).test(row.name),
    exited: ({ row }, value) => row.status === 'exited' && row.exitCode === exitCode(value),
    status: ({ row }, value) => stateName(row) === state(value),
    health: ({ row }, value) => healthOf(row) === value,
    ancestor: ({ row, options }, value) => options.image === value || findImage(store, value)?.id === row.image,
    before: ({ row }, value) => row.createdAt < createdAt(value),
    since: ({ row }, value) => row.createdAt > createdAt(value),
    network: ({ options }, value) => networkName(options) === value,
    volume: ({ options }, value) =>
      mountNames(options, false).includes(value) || (options.mounts ?? []).some(({ target }) => target === value),
  }
}

/** docker takes a regular expression, and its names have a slash before them. */
function pattern(value: string): string {
  const plain = value.replace(/^\^\//, '^').replace(/^\//, '^')
  try {
    new RegExp(plain)
    return plain
  } catch {
    return plain.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
  }
}

function exitCode(value: string): number {
  if (/^\d+$/.test(value)) return Number(value)
  throw new UsageError(`invalid filter 'exited=${value}'`, 'Write a number', 1)
}

function state(value: string): string {
  if (STATES.includes(value)) return value
  throw new UsageError(`invalid filter 'status=${value}'`, `States: ${STATES.join(', ')}`, 1)
}

function healthOf({ health }: ContainerRow): string {
  return health === undefined ? 'none' : (JSON.parse(health) as { readonly status: string }).status
}

function named(all: readonly ListedContainer[], text: string): ContainerRow {
  const found = all.find(({ row }) => row.name === text || row.id.startsWith(text))
  if (found !== undefined) return found.row
  throw new UsageError(`No such container: ${text}`, 'Name one that is there', 1)
}
