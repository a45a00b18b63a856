import { resolve } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { ShaleError } from '../../error.ts'
import { loadConfig } from '../../registry/server/config/file.ts'
import { DEFAULT_SETTINGS, type ServerSettings } from '../../registry/server/config/settings.ts'
import { parseAddress, parseDuration, parseSize } from '../../registry/server/config/units.ts'
import { createLog, type Log } from '../../registry/server/observe/log.ts'
import { serveRegistry } from '../../registry/server/serve.ts'
import { treeRemover } from '../../sandbox/remove-tree.ts'
import { defaultRoot, openStore } from '../../store/open.ts'
import { type Context, command, type Input } from '../command.ts'
import { boolean, list, text } from '../flag.ts'
import { startMessage } from '../registry-start-message.ts'

const flags = {
  address: text('Where to listen: host:port, :port for every address (default 127.0.0.1:5000)', {
    placeholder: 'addr',
  }),
  anonymous: text('What who has not signed in may do', { choices: ['pull', 'none'] }),
  config: text('Settings from a registry.yaml; options go before them', { placeholder: 'file' }),
  data: text('Folder of the data (default: the store of every command)', { placeholder: 'folder' }),
  gcInterval: text('How often to collect garbage: 6h, none (default 1h)', { placeholder: 'time' }),
  htpasswd: text('File of users with bcrypt passwords', { placeholder: 'file' }),
  immutableTag: list('Tags that cannot be moved or removed, by pattern: v*', { placeholder: 'pattern' }),
  logFormat: text('text or json', { choices: ['text', 'json'], placeholder: 'format' }),
  maxManifest: text('Largest manifest to accept (default 4MB)', { placeholder: 'bytes' }),
  maxUpload: text('Largest blob to accept (default 64GB)', { placeholder: 'bytes' }),
  quiet: boolean('No start message and no line for each request', { short: 'q' }),
  readOnly: boolean('Refuse pushes and deletes'),
  tlsCert: text('PEM file of the certificate with its chain; read anew when it changes', { placeholder: 'file' }),
  tlsKey: text('PEM file of its key', { placeholder: 'file' }),
}

type ServeFlags = Input<typeof flags>['flags']

export default command({
  usage: '[OPTIONS]',
  about:
    'Serve a registry that docker, podman, skopeo, containerd and Kubernetes push to and pull from. Without options it ' +
    'listens on 127.0.0.1:5000 and keeps its images in the store. It ends with Ctrl-C.',
  examples: [
    ['registry serve', 'on this machine; then: shale push localhost:5000/app'],
    ['registry serve --address :5000 --htpasswd users --tls-cert c --tls-key k', 'for a team'],
    ['registry serve --config registry.yaml', 'settings from a file'],
  ],
  args: { min: 0, max: 0 },
  flags,
  async run(context, { flags }) {
    const { signal } = context
    // What a request leaves behind is small: a young generation that grows to 48 MB makes it no faster.
    setFlagsFromString('--semi-space-growth-factor=1')
    const { settings, root } = await read(context, flags)
    const log = createLog(flags.logFormat === 'json' ? 'json' : 'text', line => context.err.write(line))
    const store = openStore({ root, durable: true, removeTree: treeRemover(root) })
    try {
      const running = await serveRegistry(store, settings, flags.quiet ? withoutInfo(log) : log)
      if (flags.logFormat === 'json') log.info('listening', { url: running.url, data: root })
      else if (!flags.quiet) context.out.write(startMessage(running.url, root, settings))
      log.flush()
      await aborted(signal)
      await running.stop()
      return 0
    } finally {
      store.close()
    }
  },
})

interface Given {
  readonly settings: ServerSettings
  readonly root: string
}

async function read(context: Context, flags: ServeFlags): Promise<Given> {
  const file = flags.config === undefined ? undefined : await loadConfig(resolve(flags.config))
  const settings = file?.settings ?? DEFAULT_SETTINGS
  const { limits, collection } = settings
  const data = flags.data === undefined ? undefined : resolve(flags.data)
  const root = data ?? context.root ?? file?.data ?? defaultRoot(context.env, process.getuid?.() ?? 0)
  const given: ServerSettings = {
    ...settings,
    ...addressOf(flags),
    tls: tlsOf(flags) ?? settings.tls,
    readOnly: flags.readOnly || settings.readOnly,
    limits: {
      ...limits,
      manifest: size('--max-manifest', flags.maxManifest) ?? limits.manifest,
      upload: size('--max-upload', flags.maxUpload) ?? limits.upload,
    },
    users: flags.htpasswd === undefined ? settings.users : resolve(flags.htpasswd),
    anonymous: anonymousOf(flags) ?? settings.anonymous,
    immutableTags: [
      ...settings.immutableTags,
      ...(flags.immutableTag.length === 0 ? [] : [{ repositories: ['**'], tags: flags.immutableTag }]),
    ],
    collection: { ...collection, interval: intervalOf(flags, collection.interval) },
  }
  return { settings: given, root }
}

function addressOf({ address }: ServeFlags): Pick<ServerSettings, 'host' | 'port'> | undefined {
  if (address === undefined) return undefined
  const parsed = parseAddress(address)
  if (parsed === undefined) throw invalid('--address', address, 'host:port, [::1]:port, :port, or a port')
  return parsed
}

function tlsOf({ tlsCert, tlsKey }: ServeFlags): ServerSettings['tls'] {
  if (tlsCert === undefined && tlsKey === undefined) return undefined
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new ShaleError('INVALID_OPTION', '--tls-cert and --tls-key go together', { hint: 'give both' })
  }
  return { cert: resolve(tlsCert), key: resolve(tlsKey) }
}

function anonymousOf({ anonymous }: ServeFlags): ServerSettings['anonymous'] {
  return anonymous === 'pull' || anonymous === 'none' ? anonymous : undefined
}

function size(flag: string, given: string | undefined): number | undefined {
  if (given === undefined) return undefined
  const bytes = parseSize(given)
  if (!bytes) throw invalid(flag, given, 'a size like 4MB or 10GB')
  return bytes
}

function intervalOf({ gcInterval }: ServeFlags, otherwise: number | undefined): number | undefined {
  if (gcInterval === undefined) return otherwise
  if (gcInterval === 'none') return undefined
  const interval = parseDuration(gcInterval)
  if (!interval) throw invalid('--gc-interval', gcInterval, 'a time like 90s, 10m or 6h, or none')
  return interval
}

function invalid(flag: string, given: string, expected: string): ShaleError {
  return new ShaleError('INVALID_OPTION', `${flag} ${given} is not ${expected}`, {
    hint: "see 'shale registry serve --help'",
    exitCode: 125,
  })
}

function withoutInfo(log: Log): Log {
  return { ...log, info() {} }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
