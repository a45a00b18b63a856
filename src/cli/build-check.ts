import type { BaseFacts } from '../advise/subject.ts'
import { checkBuild } from '../build/check-build.ts'
import type { BuildOptions } from '../build/options.ts'
import { ShaleError } from '../error.ts'
import { type ImageConfig, parseImageConfig } from '../oci/image-config.ts'
import type { Platform } from '../oci/platform.ts'
import { formatReference, parseReference } from '../oci/reference.ts'
import type { Store } from '../store/types.ts'
import { type AnnotationFormat, errorAnnotation, githubLine, placeIn } from './annotations.ts'
import { checkJson, checkText } from './check-report.ts'
import type { Context } from './command.ts'
import { withRegistryClient } from './registry-client.ts'

export interface CheckFlags {
  readonly json: boolean
  readonly annotations: AnnotationFormat
}

/** `build --check`: nothing runs and nothing is fetched but the configurations of bases. Exit code 1 with warnings. */
export async function buildCheck(context: Context, options: BuildOptions, flags: CheckFlags): Promise<number> {
  const store = await context.store()
  const base = (name: string, platform: Platform) => baseFacts(context, store, name, platform)
  const check = await checkBuild(store, { ...options, signal: context.signal }, { base, env: context.env })
  context.out.write(flags.json ? checkJson(check) : checkText(check))
  if (flags.annotations === 'github') {
    const place = placeIn(options.context, context.env)
    const file = check.source && place(check.source.file)
    for (const { rule, detail, range } of check.findings) {
      const line = githubLine({ level: 'warning', message: detail, title: rule.name, file, range })
      context.err.write(`${line}\n`)
    }
    if (check.error !== undefined) context.err.write(`${githubLine(errorAnnotation(check.error, place))}\n`)
  }
  if (check.error !== undefined && !flags.json) throw check.error
  return check.error === undefined && check.findings.length === 0 ? 0 : 1
}

/** From the store, else from the registry; a base that neither can tell of is unknown. */
async function baseFacts(
  context: Context,
  store: Store,
  name: string,
  platform: Platform,
): Promise<BaseFacts | undefined> {
  try {
    return factsOf((await storedConfig(store, name, platform)) ?? (await remoteConfig(context, name, platform)))
  } catch (error) {
    if (error instanceof ShaleError && !context.signal.aborted) return undefined
    throw error
  }
}

async function storedConfig(store: Store, name: string, platform: Platform): Promise<ImageConfig | undefined> {
  const reference = parseReference(name)
  const { images } = store
  const id =
    reference.digest === undefined
      ? images.getTag(formatReference(reference))?.digest
      : images.get(reference.digest)?.id
  return id === undefined ? undefined : (await images.open(id, platform)).config
}

async function remoteConfig(context: Context, name: string, platform: Platform): Promise<ImageConfig> {
  const registry = await import('../registry/client/image-config.ts')
  const reference = parseReference(name)
  const { signal } = context
  return await withRegistryClient(context, async client => {
    const manifest = await registry.remoteManifest(client, reference, platform, signal)
    return parseImageConfig(await registry.remoteConfig(client, reference, manifest, signal))
  })
}

function factsOf({ config, os, architecture, variant }: ImageConfig): BaseFacts {
  const hasShell = (config?.Shell ?? []).length > 0
  const env = config?.Env ?? []
  // A container has a PATH, whether or not its image names one.
  return {
    env: env.some(line => line.startsWith('PATH=')) ? env : [...env, 'PATH='],
    hasShell,
    platform: { os, architecture, variant },
  }
}
