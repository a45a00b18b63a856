import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { chompTabs } from '../../dockerfile/heredoc.ts'
import type { RunInstruction } from '../../dockerfile/instruction.ts'
import type { ShaleError } from '../../error.ts'
import { contentId } from '../../layer/toc-codec.ts'
import { formatPlatform } from '../../oci/platform.ts'
import { limits } from '../../sandbox/cgroup/limits.ts'
import { checkRunnable } from '../../sandbox/foreign-platform.ts'
import type { PlainMount, RunOutput, RunRequest, RunResult } from '../../sandbox/run-request.ts'
import type { Ingredient, LayerRecord } from '../../store/types.ts'
import type { BuildContext } from '../build-context.ts'
import { filesIngredient } from '../copy-memo.ts'
import { parseExtraHost } from '../extra-host.ts'
import type { FailedRun } from '../failed-run.ts'
import { keyedStep } from '../keyed-step.ts'
import { bringMounts } from '../mounts/bring.ts'
import { joinInputs } from '../mounts/input.ts'
import { mountIngredients, type PlannedMount, planMounts } from '../mounts/plan.ts'
import { withoutSecrets } from '../mounts/redact.ts'
import { neededStages } from '../plan.ts'
import { RunFailure } from '../run-failure.ts'
import { envValue, type StageState, setEnv } from '../stage-state.ts'
import { refuseUnsupported } from '../supported.ts'
import type { TreeWorker } from '../tree-worker.ts'
import { processIdentity } from '../users.ts'
import { extend } from './extend.ts'
import { shellOf } from './metadata.ts'
import type { StepPosition } from './step-position.ts'

/** Names that need no ARG and enter no key (Dockerfile reference, "Predefined ARGs"). */
const PROXY_ARGS = ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY']

/** What a RUN executes: its arguments, and the script that a here-document with `#!` becomes. */
interface Command {
  readonly args: readonly string[]
  readonly mounts: readonly PlainMount[]
}

export async function runStep(
  context: BuildContext,
  state: StageState,
  instruction: RunInstruction,
  at: StepPosition,
): Promise<StageState> {
  const command = commandFor(context, state, instruction)
  const title = instruction.text
  return context.steps.run(at.info, context.signal, async () => {
    const mounts = await planMounts(context, state, instruction, at)
    const inputs = inputsOf(mounts)
    const { stage, ordinal } = at
    const step = {
      ...{ stage, ordinal, title, kind: 'run', inputs, above: state.lastChange?.title },
      ingredients: [
        ...ingredients(context, state, instruction, command),
        ...mountIngredients(mounts),
        ...(inputs === undefined ? [] : filesIngredient(contentId(inputs.toc))),
      ],
    }
    const outcome = await keyedStep(context, step, () =>
      context.slot(() => execute(context, state, { run: instruction, command, mounts }, at)),
    )
    const createdBy = `RUN ${argsPrefix(state)}${command.args.join(' ')}`
    const next = extend(state, outcome.value, 'clamp', { title, createdBy, ran: outcome.status === 'ran' })
    return { ...outcome, value: next }
  })
}

/** The files that all mounts show, if one shows any. */
function inputsOf(mounts: readonly PlannedMount[]) {
  const inputs = mounts.flatMap(({ input }) => input ?? [])
  return inputs.length === 0 ? undefined : joinInputs(inputs)
}

function commandFor({ options }: BuildContext, state: StageState, run: RunInstruction): Command {
  refuseUnsupported(run, options.allow)
  if (run.form === 'exec') return { args: run.args, mounts: [] }
  const shell = shellOf(state)
  const [first] = run.heredocs
  if (first === undefined) return { args: [...shell, run.command], mounts: [] }
  const alone = run.heredocs.length === 1 && /^\s*\d*<<-?\s*\S+\s*$/.test(run.command)
  if (!alone) {
    const bodies = run.heredocs.map(({ content, name }) => `${content}${name}\n`)
    return { args: [...shell, `${run.command}\n${bodies.join('')}`], mounts: [] }
  }
  const script = first.chomp ? chompTabs(first.content) : first.content
  if (!script.startsWith('#!')) return { args: [...shell, script], mounts: [] }
  const target = `/dev/pipes/${first.name}`
  return { args: [target], mounts: [{ kind: 'file', target, content: script, mode: 0o755 }] }
}

function ingredients(
  context: BuildContext,
  state: StageState,
  run: RunInstruction,
  command: Command,
): readonly Ingredient[] {
  const { config, args } = state
  const scripts = command.mounts.flatMap(mount => (mount.kind === 'file' ? [String(mount.content)] : []))
  const env = config.Env ?? []
  return [
    { name: 'parent', value: state.chainId },
    { name: 'platform', value: formatPlatform(state.platform) },
    { name: 'command', value: JSON.stringify([...command.args, ...scripts]) },
    { name: 'user', value: config.User ?? '' },
    { name: 'workdir', value: config.WorkingDir ?? '/' },
    { name: 'network', value: networkOf(context, run) },
    ...(run.security === 'insecure' ? [{ name: 'security', value: run.security }] : []),
    ...(context.options.addHosts ?? []).map(host => ({ name: `host ${host.split(/[:=]/, 1)[0]}`, value: host })),
    ...env.map(line => ({ name: `env ${line.split('=', 1)[0]}`, value: line.slice(line.indexOf('=') + 1) })),
    ...[...args]
      .filter(([name]) => envValue(env, name) === undefined && !isProxy(name))
      .map(([name, value]) => ({ name: `arg ${name}`, value })),
  ]
}

function networkOf(context: BuildContext, run: RunInstruction): 'host' | 'none' {
  if (run.network === 'none') return 'none'
  if (run.network === 'host') return 'host'
  return context.options.network ?? 'host'
}

function isProxy(name: string): boolean {
  return PROXY_ARGS.includes(name.toUpperCase())
}

/** `|2 foo=bar2 bar=123 ` before the command, as docker's history shows the ARGs that a RUN saw. */
function argsPrefix(state: StageState): string {
  const args = [...state.args].filter(([name]) => envValue(state.config.Env, name) === undefined && !isProxy(name))
  return args.length === 0 ? '' : `|${args.length} ${args.map(([name, value]) => `${name}=${value}`).join(' ')} `
}

interface Execution {
  readonly run: RunInstruction
  readonly command: Command
  readonly mounts: readonly PlannedMount[]
}

async function execute(
  context: BuildContext,
  state: StageState,
  { run, command, mounts }: Execution,
  at: StepPosition,
): Promise<LayerRecord> {
  const { layers, store, lease, signal, steps } = context
  signal.throwIfAborted()
  checkRunnable(state.platform)
  // The helper's start takes longer than all that comes before it is needed.
  const [worker, trees, identity] = await Promise.all([
    context.worker(),
    layers.trees(state.layers),
    processIdentity(state.config.User ?? '', path => layers.readFile(state.layers, path)),
  ])
  const folder = mkdtempSync(join(store.tempDir, `${lease.id}-run-`))
  const upper = join(folder, 'upper')
  const work = join(folder, 'work')
  mkdirSync(upper, { mode: 0o755 })
  mkdirSync(work)
  // An overlay needs something below.
  const lowers = trees.length > 0 ? trees : [join(folder, 'empty')]
  if (trees.length === 0) mkdirSync(lowers[0] as string, { mode: 0o755 })
  const brought = await bringMounts(context, mounts, at)
  const output = (stream: RunOutput['stream'], chunk: Uint8Array) => steps.output(at.info, stream, chunk)
  const guarded = withoutSecrets(brought.secrets, output)
  const { cgroups } = limits(context.options.limits?.resources)
  const request: RunRequest = {
    lowers,
    upper,
    work,
    mounts: [...command.mounts, ...brought.mounts],
    ...(cgroups.length > 0 && { cgroups }),
    followed: isFollowed(context, run),
    config: {
      ...context.options.limits,
      args: command.args,
      env: brought.env.reduce(withVariable, environment(context, state, identity.home)),
      cwd: state.config.WorkingDir ?? '/',
      uid: identity.uid,
      gid: identity.gid,
      additionalGids: identity.groups,
      networkMode: networkOf(context, run),
      ownHostnameFile: true,
      privileged: run.security === 'insecure',
      extraHosts: (context.options.addHosts ?? []).map(parseExtraHost),
    },
  }
  try {
    const result = await worker.run(request, {
      signal,
      onOutput: ({ stream, chunk }) => guarded.write(stream, chunk),
    })
    guarded.end()
    if (result.exitCode !== 0) {
      if (!signal.aborted) await context.onFailedRun?.(failedRun({ state, request, worker, folder, at }, result))
      throw runFailed(command, result)
    }
    const toc = await worker.diff({ upper, below: layers.tocPaths(state.layers) })
    const record = await store.layers.add(lease, { toc })
    keepTree(context, record, upper)
    return record
  } finally {
    brought.end()
    await context.removeTree(folder)
  }
}

interface Failing {
  readonly state: StageState
  readonly request: RunRequest
  readonly worker: TreeWorker
  /** The step's own, for as long as it has not ended. */
  readonly folder: string
  readonly at: StepPosition
}

/** The step as somebody may look at it: where it was, with what it has written. */
function failedRun({ state, request, worker, folder, at }: Failing, { exitCode }: RunResult): FailedRun {
  return {
    ...{ name: at.info.name, args: request.config.args, exitCode },
    shell: shellOf(state)[0] ?? '/bin/sh',
    async run({ args, terminal, ...options }) {
      // An overlay's own folder is of use once.
      const work = mkdtempSync(join(folder, 'work-'))
      const { followed: _, ...same } = request
      return worker.run({ ...same, work, config: { ...request.config, args, terminal } }, options)
    },
  }
}

function withVariable(env: readonly string[], line: string): readonly string[] {
  const split = line.indexOf('=')
  return setEnv(env, line.slice(0, split), line.slice(split + 1))
}

/** Whether a needed stage has another RUN further down in the Dockerfile; whether that comes from the cache is not known yet. */
function isFollowed({ plan }: BuildContext, run: RunInstruction): boolean {
  const { start } = run.range
  return neededStages(plan.stages, plan.target).some(index =>
    plan.stages[index]?.stage.instructions.some(({ kind, range }) => kind === 'run' && range.start.line > start.line),
  )
}

/** The run's upper folder is the layer's tree already. */
function keepTree({ store, lease }: BuildContext, record: LayerRecord, upper: string): void {
  if (store.trees.find(record.tocDigest) !== undefined) return
  const writer = store.trees.begin(lease, record.tocDigest)
  rmSync(writer.path, { recursive: true })
  renameSync(upper, writer.path)
  writer.commit()
}

function environment(context: BuildContext, state: StageState, home: string): readonly string[] {
  const env = state.config.Env ?? []
  const args = [...state.args]
    .filter(([name]) => envValue(env, name) === undefined)
    .map(([name, value]) => `${name}=${value}`)
  const proxies = proxyVariables(context.options.buildArgs ?? {}).filter(
    line => envValue([...env, ...args], line.split('=', 1)[0] as string) === undefined,
  )
  const homeLine = envValue(env, 'HOME') === undefined ? [`HOME=${home}`] : []
  return [...env, ...args, ...proxies, ...homeLine]
}

/** Both cases of each proxy variable that was given as a build argument; the lower-case one wins. */
function proxyVariables(buildArgs: Readonly<Record<string, string>>): readonly string[] {
  return PROXY_ARGS.flatMap(name => {
    const value = buildArgs[name.toLowerCase()] ?? buildArgs[name]
    return value === undefined ? [] : [`${name}=${value}`, `${name.toLowerCase()}=${value}`]
  })
}

function runFailed(
  command: Command,
  result: { readonly exitCode: number; readonly startError?: string; readonly oomKilled: boolean },
): ShaleError {
  const why = result.startError === undefined ? '' : `: ${result.startError}`
  const oom = result.oomKilled ? ' (the kernel ended it for lack of memory)' : ''
  const process = JSON.stringify(command.args.join(' '))
  const message = `process ${process} did not complete successfully: exit code: ${result.exitCode}${oom}${why}`
  const missing =
    result.exitCode === 127
      ? 'the image does not have this command; install it in a RUN above, or choose another base'
      : undefined
  return new RunFailure(result.exitCode, message, missing)
}
