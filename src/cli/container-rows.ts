import { type ContainerOptions, optionsOf } from '../container/options.ts'
import type { PublishedPort } from '../network/options.ts'
import { portsText } from '../network/port-text.ts'
import type { ContainerRow } from '../store/containers.ts'
import type { Listing } from './format/format.ts'
import { goTime, humanDuration, timeAgo } from './format/time.ts'

/** The fields of docker's `ps --format`. */
export const CONTAINER_LISTING: Listing = {
  type: '*formatter.ContainerContext',
  headings: {
    Command: 'COMMAND',
    CreatedAt: 'CREATED AT',
    ID: 'CONTAINER ID',
    Image: 'IMAGE',
    Label: name => name,
    Labels: 'LABELS',
    LocalVolumes: 'LOCAL VOLUMES',
    Mounts: 'MOUNTS',
    Names: 'NAMES',
    Networks: 'NETWORKS',
    Ports: 'PORTS',
    RunningFor: 'CREATED',
    Size: 'SIZE',
    State: 'STATE',
    Status: 'STATUS',
  },
}

/** A container and what its record says of it, read once. */
export interface ListedContainer {
  readonly row: ContainerRow
  readonly options: ContainerOptions
}

export interface RowLooks {
  readonly now: number
  readonly truncate: boolean
  /** Asked only when a format wants it. */
  readonly size: (container: ListedContainer) => string
  readonly ports: (container: ListedContainer) => string
}

export function listed(row: ContainerRow): ListedContainer {
  return { row, options: optionsOf(row) }
}

/** Keys in order; `Label` is a method, and no part of the JSON form. */
export function containerRow(container: ListedContainer, { now, truncate, size, ports }: RowLooks): object {
  const { row, options } = container
  const command = commandText(options, truncate)
  const fields = {
    Command: command,
    CreatedAt: goTime(row.createdAt),
    ID: truncate ? row.id.slice(0, 12) : row.id,
    Image: options.image,
    Labels: Object.entries(options.labels)
      .map(([name, value]) => `${name}=${value}`)
      .join(','),
    LocalVolumes: String(volumeNames(options).length),
    Mounts: mountNames(options, truncate).join(','),
    Names: row.name,
    Networks: networkName(options),
    get Ports() {
      return ports(container)
    },
    RunningFor: timeAgo(row.createdAt, now),
    get Size() {
      return size(container)
    },
    State: stateName(row),
    Status: statusText(row, now),
  }
  const label = (name: string) => options.labels[name] ?? ''
  return Object.defineProperty(fields, 'Label', { value: label, enumerable: false })
}

function commandText({ entrypoint, command }: ContainerOptions, truncate: boolean): string {
  const words = [...entrypoint, ...command].join(' ')
  const shown = truncate && words.length > 20 ? `${words.slice(0, 19)}…` : words
  return JSON.stringify(shown)
}

export function volumeNames({ mounts = [] }: ContainerOptions): readonly string[] {
  return mounts.flatMap(mount => (mount.type === 'volume' ? [mount.name] : []))
}

export function mountNames({ mounts = [] }: ContainerOptions, truncate: boolean): readonly string[] {
  const names = mounts.flatMap(mount =>
    mount.type === 'volume' ? [mount.name] : mount.type === 'bind' ? [mount.source] : [],
  )
  return truncate ? names.map(name => (name.length > 15 ? `${name.slice(0, 14)}…` : name)) : names
}

/** What it came to, or before the first start what was asked for. */
export function networkName({ network, networked }: ContainerOptions): string {
  return networked?.mode ?? network?.mode ?? 'default'
}

/** None when it does not run. */
export function publishedPorts({ status }: ContainerRow, { networked }: ContainerOptions): readonly PublishedPort[] {
  return status === 'running' ? (networked?.ports ?? []) : []
}

export function portsShown({ row, options }: ListedContainer): string {
  if (row.status !== 'running' || options.networked?.mode !== 'private') return ''
  const exposed = [...(options.exposedPorts ?? []), ...(options.network?.expose ?? [])]
  return portsText(
    options.networked.ports,
    exposed.map(port => (port.includes('/') ? port : `${port}/tcp`)),
  )
}

/** docker's word for it. */
export function stateName({ status }: ContainerRow): string {
  return status === 'starting' ? 'created' : status
}

/** `Up 5 minutes`, `Exited (0) 3 hours ago`. Source: moby's State.String. */
export function statusText(row: ContainerRow, now: number): string {
  const { status, exitCode, startedAt = now, finishedAt = now } = row
  switch (status) {
    case 'running':
      return `Up ${humanDuration(now - startedAt)}${healthText(row)}`
    case 'restarting':
      return `Restarting (${exitCode}) ${humanDuration(now - finishedAt)} ago`
    case 'exited':
      return `Exited (${exitCode}) ${humanDuration(now - finishedAt)} ago`
    case 'removing':
      return 'Removal In Progress'
    case 'created':
    case 'starting':
      return 'Created'
  }
}

function healthText({ health }: ContainerRow): string {
  if (health === undefined) return ''
  const { status } = JSON.parse(health) as { readonly status: string }
  return status === 'starting' ? ' (health: starting)' : ` (${status})`
}
