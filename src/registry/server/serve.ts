import { ShaleError } from '../../error.ts'
import type { LocalStore } from '../../store/open.ts'
import { accessControl } from './access/authorize.ts'
import { parseHtpasswd, type Users } from './access/htpasswd.ts'
import { permissions } from './access/rules.ts'
import type { ImmutableTags, ServerSettings } from './config/settings.ts'
import { type WatchedFiles, watchFiles } from './config/watched-file.ts'
import { registryHandler } from './handler.ts'
import { failureResponse } from './http/failure.ts'
import { listen } from './http/listen.ts'
import { nodeListener, type Observer } from './http/node-adapter.ts'
import { Pace } from './http/pace.ts'
import { collectRegistry, type RegistryCollected } from './local/collect.ts'
import { type LocalRegistry, openRegistry } from './local/open.ts'
import { ManifestCache } from './manifest-cache.ts'
import type { Log } from './observe/log.ts'
import { Metrics } from './observe/metrics.ts'
import { withPages } from './pages.ts'
import { anyOf } from './pattern.ts'
import type { Registry } from './registry.ts'

export interface RunningRegistry {
  /** `http://127.0.0.1:5000` */
  readonly url: string
  collect(): Promise<RegistryCollected>
  /** Lets requests end, for ten seconds; idempotent. The store stays open. */
  stop(): Promise<void>
}

const STOP_MS = 10_000
/** A client may pause for so long. */
const PATIENCE_MS = 60_000
const PACE_LOOK_MS = 5_000

/**
 * Serves the store's registry until it is stopped. The store must be open durably. Throws `ADDRESS_IN_USE`,
 * `ADDRESS_UNUSABLE`, `TLS_FILES`, `HTPASSWD_INVALID`, `REGISTRY_CONFIG`.
 */
export async function serveRegistry(
  store: LocalStore,
  settings: ServerSettings,
  log: Log,
  pace = new Pace({ rate: settings.limits.rate, patience: PATIENCE_MS }),
): Promise<RunningRegistry> {
  const users = watchUsers(settings, log)
  const local = openRegistry(store)
  try {
    const registry = registryOf(local, settings)
    const metrics = metricsOf(registry, () => listening.connections())
    const authorize = accessControl({
      users: users.current,
      permissions: registry.permissions,
      readOnly: settings.readOnly,
      onFailure(user, address) {
        metrics.failedSignIn()
        log.warn('sign-in failed', { user, address })
      },
    })
    const check = () => void store.database.get('SELECT count(*) FROM registry_repositories')
    const handler = withPages(registryHandler(registry, authorize), { metrics, check }, authorize)
    const onTlsError = (error: unknown) => log.error('the changed TLS files cannot be used', { why: messageOf(error) })
    const listening = await listen(nodeListener(handler, observer(metrics, log), pace), { ...settings, onTlsError })
    const collect = () => collectRegistry(store, local.blobs.uploads, settings.collection)
    const endCollecting = collectEvery(settings.collection.interval, collect, log)
    const looking = setInterval(() => pace.look(), PACE_LOOK_MS).unref()
    let stopped: Promise<void> | undefined
    const stop = async () => {
      await listening.stop(STOP_MS)
      clearInterval(looking)
      await endCollecting()
      users.stop()
      local.close()
      log.flush()
    }
    return {
      url: listening.url,
      collect,
      stop() {
        stopped ??= stop()
        return stopped
      },
    }
  } catch (error) {
    users.stop()
    local.close()
    throw error
  }
}

function registryOf({ blobs, metadata }: LocalRegistry, settings: ServerSettings): Registry {
  const { users, anonymous, rules, limits } = settings
  const open = users === undefined && rules.length === 0
  if (open && anonymous === 'none') {
    throw new ShaleError('REGISTRY_CONFIG', 'nobody could use this registry: no users and no anonymous access', {
      hint: 'name an htpasswd file with --htpasswd or `users`, or leave out `anonymous`',
    })
  }
  return {
    blobs,
    metadata,
    manifests: new ManifestCache(blobs),
    limits,
    permissions: permissions({
      hasUsers: users !== undefined,
      anonymous: anonymous ?? (open ? 'all' : 'none'),
      rules,
    }),
    isImmutable: immutability(settings.immutableTags),
    writing: { count: 0 },
  }
}

function immutability(patterns: readonly ImmutableTags[]): Registry['isImmutable'] {
  const compiled = patterns.map(({ repositories, tags }) => [anyOf(repositories), anyOf(tags)] as const)
  return (repository, tag) => compiled.some(([isHere, isTag]) => isHere(repository) && isTag(tag))
}

interface CurrentUsers {
  readonly current: () => Users | undefined
  readonly stop: () => void
}

function watchUsers({ users: file }: ServerSettings, log: Log): CurrentUsers {
  if (file === undefined) return { current: () => undefined, stop() {} }
  let users: Users | undefined
  const failed = (error: unknown) => log.error('the changed users cannot be used', { why: messageOf(error) })
  let watched: WatchedFiles
  try {
    watched = watchFiles(
      [file],
      ([content]) => {
        users = parseHtpasswd(file, content?.toString('utf8') ?? '')
      },
      failed,
    )
  } catch (cause) {
    if (cause instanceof ShaleError) throw cause
    throw new ShaleError('HTPASSWD_INVALID', `cannot read the users: ${messageOf(cause)}`, { cause })
  }
  return { current: () => users, stop: () => watched.stop() }
}

function metricsOf({ writing }: Registry, connections: () => number): Metrics {
  return new Metrics([
    { name: 'shale_registry_connections', help: 'Open connections.', value: connections },
    { name: 'shale_registry_uploads', help: 'Requests that write an upload now.', value: () => writing.count },
    { name: 'process_resident_memory_bytes', help: 'Memory of the process.', value: () => process.memoryUsage.rss() },
    { name: 'process_uptime_seconds', help: 'Since the process began.', value: () => process.uptime() },
  ])
}

function observer(metrics: Metrics, log: Log): Observer {
  return {
    failed(error, { method, path }, isGone) {
      if (isGone) return undefined
      const response = failureResponse(error)
      if (response.status === 408) {
        log.warn('client too slow', { method, path })
        return response
      }
      const stack = response.status === 500 && error instanceof Error ? error.stack : undefined
      log.error('request failed', { method, path, why: messageOf(error), stack })
      return response
    },
    answered({ method, path, address, trace: { route, user, bytes } }, { status, milliseconds }) {
      metrics.request(route, method, status, milliseconds / 1000)
      log.info('request', { method, path, status, bytes, ms: Math.round(milliseconds * 10) / 10, address, user })
    },
  }
}

/** Gives how to end it, which waits for a collection that is going on. */
function collectEvery(
  interval: number | undefined,
  collect: () => Promise<RegistryCollected>,
  log: Log,
): () => Promise<void> {
  let running: Promise<void> | undefined
  const run = async () => {
    try {
      const { uploads, links, collected } = await collect()
      log.info('collected', { uploads, links, removed: collected.removed.length, bytes: collected.bytes })
    } catch (error) {
      log.error('collection failed', { why: messageOf(error) })
    }
    running = undefined
  }
  const timer = setInterval(
    () => {
      running ??= run()
    },
    Math.min(interval ?? 2 ** 31 - 1, 2 ** 31 - 1),
  ).unref()
  if (interval === undefined) clearInterval(timer)
  return async () => {
    clearInterval(timer)
    await running
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
