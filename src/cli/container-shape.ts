import { containerFolder } from '../container/folder.ts'
import type { Health } from '../container/health.ts'
import type { ResolvedMount } from '../container/mounts/types.ts'
import type { ContainerOptions } from '../container/options.ts'
import type { PublishedPort } from '../network/options.ts'
import { bindings, type PortBinding, portName } from '../network/port-text.ts'
import type { ContainerRow } from '../store/containers.ts'
import type { LocalStore } from '../store/open.ts'
import { listed, networkName, publishedPorts, stateName } from './container-rows.ts'
import { record } from './format/template/value.ts'

/** Go's zero time, which docker shows for what has not happened. */
const NEVER = '0001-01-01T00:00:00Z'

/** A container as `docker inspect` shows it, as far as it means something here. */
export function containerShape(store: LocalStore, row: ContainerRow): object {
  const { options } = listed(row)
  const [path = '', ...args] = [...options.entrypoint, ...options.command]
  return record('types.ContainerJSON', {
    Id: row.id,
    Created: new Date(row.createdAt).toISOString(),
    Path: path,
    Args: args,
    State: stateShape(row),
    Image: row.image,
    LogPath: options.log.driver === 'none' ? '' : containerFolder(store, row.id).log,
    Name: `/${row.name}`,
    RestartCount: row.restarts,
    Driver: 'overlay',
    Platform: 'linux',
    HostConfig: hostConfig(options),
    Mounts: (options.mounts ?? []).map(mount => mountShape(store, mount)),
    Config: configShape(row, options),
    NetworkSettings: record('types.NetworkSettings', {
      Ports: portMap(publishedPorts(row, options)),
      Networks: { [networkName(options)]: {} },
    }),
  })
}

function portMap(ports: readonly PublishedPort[]): object {
  const shape = ({ address: HostIp, hostPort }: PortBinding) =>
    record('nat.PortBinding', { HostIp, HostPort: String(hostPort) })
  const all = Map.groupBy(bindings(ports), portName)
  return Object.fromEntries([...all].map(([name, own]) => [name, own.map(shape)]))
}

function stateShape(row: ContainerRow): object {
  const { health, startedAt, finishedAt } = row
  const time = (at: number | undefined) => (at === undefined ? NEVER : new Date(at).toISOString())
  const absent = health === undefined ? { Health: null } : {}
  const own = health === undefined ? {} : { Health: healthShape(JSON.parse(health) as Health) }
  return record(
    'types.ContainerState',
    {
      Status: stateName(row),
      Running: row.status === 'running' || row.status === 'restarting',
      Paused: false,
      Restarting: row.status === 'restarting',
      OOMKilled: row.oomKilled,
      Dead: false,
      Pid: row.pid ?? 0,
      ExitCode: row.exitCode,
      Error: row.error,
      StartedAt: time(startedAt),
      FinishedAt: time(finishedAt),
      ...own,
    },
    absent,
  )
}

function healthShape({ status, failingStreak, log }: Health): object {
  return record('types.Health', {
    Status: status,
    FailingStreak: failingStreak,
    Log: log.map(({ start, end, exitCode, output }) =>
      record('types.HealthcheckResult', { Start: start, End: end, ExitCode: exitCode, Output: output }),
    ),
  })
}

function hostConfig(options: ContainerOptions): object {
  const { isolation = {}, restart, log } = options
  const { resources = {} } = isolation
  return record('container.HostConfig', {
    AutoRemove: options.autoRemove,
    Binds: bindWords(options.mounts ?? []),
    CapAdd: null,
    CpuShares: resources.cpuShares ?? 0,
    CpusetCpus: resources.cpusetCpus ?? '',
    ExtraHosts: (options.addHosts ?? []).map(({ name, address }) => `${name}:${address}`),
    IpcMode: isolation.ipc ?? 'private',
    LogConfig: record('container.LogConfig', { Type: log.driver, Config: logConfig(log) }),
    Memory: resources.memory ?? 0,
    MemoryReservation: resources.memoryReservation ?? 0,
    MemorySwap: resources.memorySwap ?? 0,
    NanoCpus: Math.round((resources.cpus ?? 0) * 1e9),
    Dns: options.network?.dns?.servers ?? [],
    DnsOptions: options.network?.dns?.options ?? [],
    DnsSearch: options.network?.dns?.search ?? [],
    NetworkMode: networkName(options),
    OomScoreAdj: isolation.oomScoreAdj ?? 0,
    PidsLimit: resources.pidsLimit ?? null,
    Privileged: isolation.privileged === true,
    ReadonlyRootfs: options.readonlyRoot === true,
    RestartPolicy: record('container.RestartPolicy', {
      Name: restart.name,
      MaximumRetryCount: restart.maximumRetryCount,
    }),
    Runtime: isolation.runtime ?? 'builtin',
    ShmSize: isolation.shmSize ?? 64 * 1024 * 1024,
  })
}

function logConfig({ driver, maxSize, maxFile }: ContainerOptions['log']): Readonly<Record<string, string>> {
  if (driver === 'none') return {}
  return {
    ...(maxFile > 1 && { 'max-file': String(maxFile) }),
    ...(maxSize !== undefined && { 'max-size': String(maxSize) }),
  }
}

function bindWords(mounts: readonly ResolvedMount[]): readonly string[] | null {
  const words = mounts.flatMap(mount => {
    const source = mount.type === 'bind' ? mount.source : mount.type === 'volume' ? mount.name : undefined
    return source === undefined ? [] : [`${source}:${mount.target}${mount.readonly ? ':ro' : ''}`]
  })
  return words.length === 0 ? null : words
}

function mountShape({ volumes }: LocalStore, mount: ResolvedMount): object {
  const common = { Destination: mount.target, Mode: '', RW: !mount.readonly, Propagation: '' }
  switch (mount.type) {
    case 'bind':
      return record('types.MountPoint', { Type: 'bind', Source: mount.source, ...common })
    case 'tmpfs':
      return record('types.MountPoint', { Type: 'tmpfs', Source: '', ...common })
    case 'volume': {
      const source = volumes.get(mount.name)?.mountpoint ?? ''
      return record('types.MountPoint', {
        Type: 'volume',
        Name: mount.name,
        Source: source,
        Driver: 'local',
        ...common,
      })
    }
  }
}

function configShape(row: ContainerRow, options: ContainerOptions): object {
  const orNull = (words: readonly string[]) => (words.length === 0 ? null : words)
  return record('container.Config', {
    Hostname: options.hostname ?? row.id.slice(0, 12),
    User: options.user,
    Tty: options.tty,
    OpenStdin: options.interactive,
    Env: options.env,
    Cmd: orNull(options.command),
    Image: options.image,
    WorkingDir: options.workdir,
    Entrypoint: orNull(options.entrypoint),
    Labels: options.labels,
    StopSignal: options.stopSignal,
    StopTimeout: options.stopTimeout,
  })
}
