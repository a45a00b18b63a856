import type { PullImage } from '../../build/base-image.ts'
import { type BuildOutcome, runBuild } from '../../build/build.ts'
import type { BuildOptions, PullPolicy } from '../../build/options.ts'
import { ShaleError } from '../../error.ts'
import type { Compression } from '../../oci/media-types.ts'
import { limits } from '../../sandbox/cgroup/limits.ts'
import type { Store } from '../../store/types.ts'
import { annotationFormat, errorAnnotation, githubLine, placeIn } from '../annotations.ts'
import type { CheckFlags } from '../build-check.ts'
import { buildFlags } from '../build-flags.ts'
import { parseEntitlements, parseSecret } from '../build-grants.ts'
import { buildContexts, buildInput } from '../build-input.ts'
import { buildOutputs } from '../build-outputs.ts'
import type { BuildRelease } from '../build-release.ts'
import { prepareResultFiles, writeResultFiles } from '../build-results.ts'
import { type Context, command, type Input } from '../command.ts'
import { runtimeOf } from '../isolation-flags.ts'
import { keyValues } from '../key-values.ts'
import { checkTerminal, shellOnError } from '../on-error-shell.ts'
import { chosenPlatforms } from '../platform-flag.ts'
import { type ProgressMode, startProgress } from '../progress/progress.ts'
import { explainLines } from '../progress/summary.ts'
import type { BuildView } from '../progress/view.ts'
import { checkPush, pushBuilt } from '../push-built.ts'
import { withRegistryClient } from '../registry-client.ts'
import { processLimitsOf, resourcesOf } from '../resource-flags.ts'
import { sharedCaches } from '../shared-caches.ts'
import { keepStoreLimit, storeLimit } from '../store-limit.ts'

export default command({
  usage: '[OPTIONS] PATH | URL | -',
  about: 'Build an image from a Dockerfile and the files of a folder, an archive, a git repository or an address.',
  examples: [
    ['build -t myapp:1.0 .', 'build this folder'],
    ['build --explain .', 'and say of every step why it ran or did not'],
    ['build --check .', 'look for mistakes in the Dockerfile and build nothing'],
    ['build --push -t registry.example.com/app:1.0 .', 'and push it when it is built'],
    ['build --target test --build-arg VERSION=1 .', 'one stage, with an argument'],
    ['build --secret id=npm,src=.npmrc .', 'with a file that only RUN --mount=type=secret sees'],
    ['build --cache-from user/app:cache --cache-to user/app:cache .', 'with steps that other machines have made'],
    ['build --reproducible .', 'with the same digest wherever this commit is built'],
    ['build --release .', 'named and labelled after its version and commit'],
    ['build -f - . < Dockerfile.dev', 'with a Dockerfile from the standard input'],
    ['build https://example.com/app.git#main:service', 'a folder of a git repository'],
    ['build --on-error=shell .', 'and look around where a step failed'],
    ['build -o out .', 'write the files of the last stage to a folder'],
    ['build --platform linux/amd64,linux/arm64 -o type=oci,dest=app.tar .', 'an index, in an OCI archive'],
    ['build --build-context shared=../shared .', 'with a further folder, for COPY --from=shared'],
  ],
  args: { min: 1, max: 1 },
  flags: buildFlags,
  async run(context, input) {
    const { args, flags } = input
    refuseAttestations(input)
    const { outputs, push, onStdout } = buildOutputs(context, flags)
    if (push) checkPush(context, [...flags.tag, ...outputs.flatMap(one => (one.type === 'image' ? one.names : []))])
    const source = await buildInput(args[0] as string, flags.file)
    const contexts = buildContexts(flags.buildContext)
    const mode = progressMode(context, input)
    const annotations = annotationFormat(flags.annotations, context.env)
    const release = flags.release || flags.allowDirty ? await releaseOf(context, input) : undefined
    const plain = { ...buildOptions(context, input, release), ...source, contexts, outputs }
    const called = calledMethod(flags)
    if (called.method === 'check') return await check(context, plain, { json: called.json, annotations })
    storeLimit(context)
    if (flags.onError === 'shell') checkTerminal()
    prepareResultFiles(flags)
    const store = await context.store()
    const caches = await sharedCaches(context, store, flags)
    const progress = startProgress(mode, context)
    const { signal } = context
    const ssh = await agentsOf(context, flags.ssh)
    const options = { ...plain, ...ssh.options, signal, onEvent: progress.onEvent }
    let result: BuildOutcome
    let failure: unknown
    try {
      const onFailedRun = flags.onError === 'shell' ? shellOnError(context, progress) : undefined
      const services = { pull: pullInto(context, store, signal), env: context.env, onFailedRun, ...caches }
      result = await runBuild(store, options, services)
    } catch (error) {
      failure = error
      throw error
    } finally {
      ssh.end()
      await caches.close()
      progress.end()
      if (annotations === 'github') annotate(context, source.context, progress.view, failure)
      if (flags.explain) explain(context, mode, explainLines(progress.view))
    }
    writeResultFiles(flags, result)
    if (push) await pushBuilt(context, store, result.names, { quiet: mode === 'quiet' || mode === 'json' })
    // A build of hits has added nothing.
    if (result.ran > 0) await keepStoreLimit(context, store)
    if (flags.quiet && !onStdout && result.imageId !== undefined) context.out.write(`${result.imageId}\n`)
    return 0
  },
})

/** Builds need nothing of it. */
async function check(context: Context, options: BuildOptions, flags: CheckFlags): Promise<number> {
  const { buildCheck } = await import('../build-check.ts')
  return await buildCheck(context, options, flags)
}

/** `--check` is buildx's short form of `--call=check`. */
function calledMethod({ call, check }: BuildCommandInput['flags']): {
  readonly method: string
  readonly json: boolean
} {
  const [method = 'build', ...settings] = (call ?? (check ? 'check' : 'build')).split(',')
  const formats = settings.map(setting => /^format=(json|text|default)$/.exec(setting)?.[1])
  if (!['build', 'check', 'lint'].includes(method) || formats.includes(undefined)) {
    throw new ShaleError('CALL_UNSUPPORTED', `--call=${call}: there is no such method`, {
      hint: 'it takes build, check, or check,format=json',
    })
  }
  return { method: method === 'lint' ? 'check' : method, json: formats.includes('json') }
}

/** After everything else, so that it stands where a log is looked at first. */
function annotate(context: Context, folder: string, view: BuildView, failure: unknown): void {
  const place = placeIn(folder, context.env)
  const name = view.dockerfile ?? (failure instanceof ShaleError ? failure.source?.file : undefined)
  const file = name === undefined ? undefined : place(name)
  const warnings = view.warnings.map(({ message, rule, range }) => {
    return githubLine({ level: 'warning', message, title: rule, file: range && file, range })
  })
  const errors = failure === undefined ? [] : [githubLine(errorAnnotation(failure, place))]
  context.err.write([...warnings, ...errors].map(line => `${line}\n`).join(''))
}

/** Most builds have their bases: the registry's part of the program is loaded when one is missing. */
function pullInto(context: Context, store: Store, signal: AbortSignal): PullImage {
  return async (name, platform) => {
    const { pullImage } = await import('../../registry/client/pull.ts')
    await withRegistryClient(context, client => pullImage(store, name, { platform, signal, client }))
  }
}

/** Agents are for few builds. */
async function agentsOf({ env }: Context, words: readonly string[]) {
  if (words.length === 0) return { options: {}, end: () => undefined }
  const { sshAgents } = await import('../ssh-agents.ts')
  const { agents, end } = await sshAgents(words, env)
  return { options: { ssh: agents }, end }
}

/** On the standard output, unless that is for something else. */
function explain(context: Context, mode: ProgressMode, lines: readonly string[]): void {
  const output = mode === 'json' || mode === 'quiet' ? context.err : context.out
  output.write(lines.map(line => `${line}\n`).join(''))
}

type BuildCommandInput = Input<typeof buildFlags>

/** Plain builds need nothing of it. */
async function releaseOf(context: Context, input: BuildCommandInput): Promise<BuildRelease | undefined> {
  const { buildRelease } = await import('../build-release.ts')
  return await buildRelease(context, input)
}

function buildOptions(
  context: Context,
  { flags }: BuildCommandInput,
  release: BuildRelease | undefined,
): Omit<BuildOptions, 'context'> {
  const epoch = context.env.SOURCE_DATE_EPOCH
  return {
    tags: release?.tags ?? flags.tag,
    describe: release?.describe,
    revision: release?.revision,
    buildArgs: keyValues(flags.buildArg, name => context.env[name], 'build argument'),
    labels: { ...release?.labels, ...keyValues(flags.label, () => '', 'label') },
    target: flags.target,
    platforms: chosenPlatforms(flags.platform, context),
    noCache: flags.noCache,
    noCacheFilter: flags.noCacheFilter.flatMap(names => names.split(',')),
    pull: pullPolicy(flags.pull),
    network: flags.network === 'default' ? undefined : (flags.network as 'host' | 'none' | undefined),
    addHosts: flags.addHost,
    allow: flags.allow.flatMap(parseEntitlements),
    secrets: flags.secret.map(text => parseSecret(text, context.env)),
    limits: buildLimits(context, flags),
    compression: flags.compression as Compression | undefined,
    contextModes: flags.contextModes as BuildOptions['contextModes'],
    reproducible: flags.reproducible,
    sourceDateEpoch: epoch ? sourceDate(epoch) : undefined,
  }
}

/** What RUN may use, told beforehand where that cannot be limited. */
function buildLimits(context: Context, flags: BuildCommandInput['flags']): BuildOptions['limits'] {
  const resources = resourcesOf(flags)
  for (const message of limits(resources).warnings) context.err.write(`Warning: ${message}\n`)
  return { resources, ...processLimitsOf(flags), ...runtimeOf(flags.runtime) }
}

/** A newer one is what is looked for whenever the registry is asked. */
function pullPolicy(flag: string | undefined): PullPolicy {
  if (flag === 'missing' || flag === 'never') return flag
  return flag === undefined || flag === 'false' ? 'missing' : 'always'
}

function sourceDate(text: string): number {
  if (/^\d{1,11}$/.test(text)) return Number(text)
  throw new ShaleError('INVALID_SOURCE_DATE_EPOCH', `invalid SOURCE_DATE_EPOCH: ${JSON.stringify(text)}`, {
    hint: 'it is a number of seconds since 1970',
  })
}

/** Scripts switch attestations off with these flags; we make none, so that only switching on is refused. */
function refuseAttestations({ flags }: BuildCommandInput): void {
  for (const name of ['provenance', 'sbom'] as const) {
    if (flags[name] === undefined || /^(?:false|f|0)$/i.test(flags[name])) continue
    throw new ShaleError('ATTESTATIONS', `docker's --${name} is not supported yet: Shale attaches no attestations`)
  }
}

function progressMode(context: Context, { flags }: BuildCommandInput): ProgressMode {
  if (flags.quiet) return 'quiet'
  const chosen = flags.progress ?? context.env.BUILDKIT_PROGRESS ?? 'auto'
  if (chosen === 'rawjson') return 'json'
  if (chosen === 'tty' || chosen === 'plain' || chosen === 'json' || chosen === 'quiet') return chosen
  return context.err.canRedraw ? 'tty' : 'plain'
}
