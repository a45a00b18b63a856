import { existsSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { LintConfig } from '../../advise/lint/config.ts'
import { contextsOf, type LintedFile, lintFile } from '../../advise/lint/lint-file.ts'
import * as settings from '../../advise/lint/settings.ts'
import { SEVERITIES, type Severity } from '../../advise/rule.ts'
import { isErrno, ShaleError } from '../../error.ts'
import { readStdin } from '../build-input.ts'
import { type Context, command } from '../command.ts'
import { boolean, type FlagValues, list, text } from '../flag.ts'
import { REPORT_FORMATS, report } from '../lint/report.ts'

const rules = { placeholder: 'rule' }
const flags = {
  config: text('Settings as in .hadolint.yaml (default: the first of the usual places)', {
    short: 'c',
    placeholder: 'file',
  }),
  context: text('Build context (default: the folder of the Dockerfile or the current one, whichever fits)', {
    placeholder: 'folder',
  }),
  diff: boolean('Show what --fix would change, and change nothing; the exit code is 1 when that is something'),
  disableIgnorePragma: boolean('Pay no heed to comments that silence rules'),
  error: list('Make the rule an error', rules),
  failureThreshold: text('Mildest severity that makes the exit code 1: error, warning, info (default), style, none', {
    short: 't',
    placeholder: 'severity',
  }),
  fix: boolean('Make right what can be, in the file, and tell what is left'),
  filePathInReport: text('Name of the file in reports', { placeholder: 'path' }),
  format: text(`Form of the output: ${REPORT_FORMATS.join(', ')} (default: tty)`, { short: 'f' }),
  ignore: list('Say nothing of this rule; given, it takes the place of the list in the file', rules),
  info: list('Make the rule an info', rules),
  noColor: boolean('Write without colours'),
  noFail: boolean('Exit with 0 whatever is found'),
  requireLabel: list('Label that is to be there, with its kind: maintainer:email', { placeholder: 'label' }),
  shellcheck: boolean('Ask ShellCheck too, if it is installed (default: true)', {}, true),
  strictLabels: boolean('Allow only labels that are required or in label-schema'),
  style: list('Make the rule a matter of style', rules),
  trustedRegistry: list('Registry that images may come from', { placeholder: 'registry' }),
  warning: list('Make the rule a warning', rules),
}

export default command({
  usage: '[OPTIONS] [DOCKERFILE...]',
  about:
    'Check Dockerfiles by hadolint’s rules, BuildKit’s and, where it is installed, ShellCheck’s. Nothing is built. Without ' +
    'a file it is ./Dockerfile; of a folder its Dockerfile; - is the standard input. The exit code is 1 when something is ' +
    'found, 2 when a file or a setting cannot be read.',
  examples: [
    ['lint', './Dockerfile'],
    ['lint -t warning services/*/Dockerfile', 'several, hints are no failure'],
    ['lint --ignore DL3008 --error DL3002 Dockerfile', 'with other severities'],
    ['lint --diff', 'what would --fix change?'],
    ['lint -f sarif Dockerfile', 'for the code scanning of GitHub; -f gitlab, github, junit, checkstyle for others'],
  ],
  args: { min: 0, max: Number.POSITIVE_INFINITY },
  failure: 2,
  flags,
  async run(context, { args, flags }) {
    const config = await configOf(context, flags)
    const files: LintedFile[] = []
    const diffs: string[] = []
    for (const argument of args.length === 0 ? ['.'] : args) {
      const { linted, before, write } = await lintArgument(context, argument, config, flags)
      if (flags.diff)
        diffs.push((await import('../lint/unified-diff.ts')).unifiedDiff(linted.file, before, linted.text))
      else if (before !== linted.text) write?.(linted.text)
      files.push(linted)
    }
    if (flags.diff) {
      context.out.write(diffs.join(''))
      return diffs.some(diff => diff !== '') ? 1 : 0
    }
    const color = context.out.isTerminal && !config.noColor
    context.out.write(report(config.format ?? 'tty', files, { color }))
    return fails(files, config) ? 1 : 0
  },
})

type Given = FlagValues<typeof flags>

async function configOf({ env }: Context, given: Given): Promise<LintConfig> {
  const path = given.config ?? settings.findConfigFile(process.cwd(), env)
  const fromFile = path === undefined ? {} : await readSettings(path)
  const { failureThreshold: level, requireLabel } = given
  const severities = SEVERITIES.flatMap(severity => {
    if (severity === 'ignore') return []
    return given[severity].map((name): readonly [string, Severity] => [name.toUpperCase(), severity])
  })
  const fromFlags: settings.Settings = {
    failureThreshold: level === undefined ? undefined : settings.parseThreshold(level, '--failure-threshold'),
    format: given.format,
    ignored: given.ignore.length === 0 ? undefined : new Set(given.ignore.map(name => name.toUpperCase())),
    labelSchema:
      requireLabel.length === 0
        ? undefined
        : new Map(requireLabel.map(one => settings.parseLabel(one, '--require-label'))),
    noColor: given.noColor || undefined,
    noFail: given.noFail || undefined,
    override: new Map(severities),
    strictLabels: given.strictLabels || undefined,
    disableIgnorePragma: given.disableIgnorePragma || undefined,
    trustedRegistries: given.trustedRegistry.length === 0 ? undefined : given.trustedRegistry,
  }
  return settings.mergeSettings(fromFile, settings.environmentSettings(env), fromFlags)
}

/** Loaded when there is a file: most folders have none. */
async function readSettings(path: string): Promise<settings.Settings> {
  const { readConfigFile } = await import('../../advise/lint/config-file.ts')
  return await readConfigFile(path)
}

interface Linted {
  /** What is said of the file; of the changed one with --fix and --diff. */
  readonly linted: LintedFile
  readonly before: string
  readonly write?: (text: string) => void
}

async function lintArgument(context: Context, argument: string, config: LintConfig, given: Given): Promise<Linted> {
  const isInput = argument === '-'
  if (isInput && given.fix && !given.diff) {
    const hint = 'write the standard input to a file, or look at --diff'
    throw new ShaleError('LINT_CONFIG', '--fix needs a file to change', { hint })
  }
  const path =
    !isInput && isFolder(argument) ? (argument === '.' ? 'Dockerfile' : join(argument, 'Dockerfile')) : argument
  const before = isInput ? await readStdin() : readDockerfile(path)
  const contexts = given.context === undefined ? (isInput ? [] : contextsOf(path)) : [given.context]
  const base = (image: string) => storedBase(context, image)
  const options = { config, signal: context.signal, base, contexts }
  const quick = (text: string) => lintFile(path, text, { ...options, shellCheck: false })
  const changes = given.fix || given.diff
  const text = changes ? await (await import('../../advise/lint/fix.ts')).fixText(before, quick) : before
  const found = await lintFile(path, text, { ...options, shellCheck: given.shellcheck })
  const linted = { ...found, text, file: given.filePathInReport ?? found.file }
  return { linted, before, ...(given.fix && { write: (changed: string) => replaceFile(path, changed) }) }
}

/** The file is the old one or the new one, whatever happens; a symbolic link stays one. */
function replaceFile(path: string, text: string): void {
  const real = realpathSync(path)
  const draft = `${real}.${process.pid}.shale`
  try {
    writeFileSync(draft, text, { flag: 'wx', mode: statSync(real).mode & 0o777 })
    renameSync(draft, real)
  } catch (cause) {
    rmSync(draft, { force: true })
    if (!isErrno(cause)) throw cause
    throw new ShaleError('DOCKERFILE_NOT_WRITABLE', `cannot write ${path}: ${cause.message}`, { cause })
  }
}

/** What the store has of a base image; a store that does not exist is not made for it. */
async function storedBase(context: Context, image: string) {
  const { defaultRoot } = await import('../../store/layout.ts')
  if (!existsSync(context.root ?? defaultRoot(context.env, process.getuid?.() ?? 0))) return undefined
  const { baseImage } = await import('../../advise/lint/base-images.ts')
  return await baseImage(await context.store(), image)
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

function readDockerfile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    if (!isErrno(cause)) throw cause
    const why = cause.code === 'ENOENT' ? 'there is no such file' : cause.message
    const hint = basename(path) === 'Dockerfile' ? 'name the file: shale lint PATH' : undefined
    throw new ShaleError('DOCKERFILE_NOT_READABLE', `cannot read ${path}: ${why}`, { cause, hint })
  }
}

function fails(files: readonly LintedFile[], { failureThreshold, noFail }: LintConfig): boolean {
  if (noFail || failureThreshold === 'none') return false
  const mildest = SEVERITIES.indexOf(failureThreshold)
  return files.some(({ findings }) => findings.some(({ severity }) => SEVERITIES.indexOf(severity) <= mildest))
}
