import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ShaleError } from '../../error.ts'
import { SEVERITIES, type Severity } from '../rule.ts'
import { DEFAULTS, LABEL_KINDS, type LabelKind, type LintConfig } from './config.ts'

/** Where settings come from: each given one takes the place of that of the one before it. */
export type Settings = { readonly [K in keyof LintConfig]?: LintConfig[K] | undefined }

type Env = Readonly<Record<string, string | undefined>>

/** The first of hadolint's places that has a file: the folder, then the user's. */
export function findConfigFile(folder: string, env: Env): string | undefined {
  const { XDG_CONFIG_HOME, HOME } = env
  const places = [
    join(folder, '.hadolint'),
    ...(XDG_CONFIG_HOME ? [join(XDG_CONFIG_HOME, 'hadolint')] : []),
    ...(HOME
      ? ['.config/hadolint', '.hadolint/hadolint', 'hadolint/config', '.hadolint'].map(one => join(HOME, one))
      : []),
  ]
  return places.flatMap(place => [`${place}.yaml`, `${place}.yml`]).find(path => existsSync(path))
}

const TRUE = /^(?:1|true|yes|on|y|t)$/i

/** What the variables HADOLINT_… and NO_COLOR say. */
export function environmentSettings(env: Env): Settings {
  const list = (name: string) => splitList(env[name])
  const flag = (name: string) => (env[name] === undefined ? undefined : TRUE.test(env[name]))
  const override = SEVERITIES.flatMap(severity => {
    return (list(`HADOLINT_OVERRIDE_${severity.toUpperCase()}`) ?? []).map(name => [upper(name), severity] as const)
  })
  const labels = list('HADOLINT_REQUIRE_LABELS')
  const level = env.HADOLINT_FAILURE_THRESHOLD
  const ignored = list('HADOLINT_IGNORE')
  return {
    noColor: env.NO_COLOR === undefined || env.NO_COLOR === '' ? undefined : true,
    noFail: flag('HADOLINT_NOFAIL'),
    format: env.HADOLINT_FORMAT || undefined,
    failureThreshold:
      level === undefined || level === '' ? undefined : parseThreshold(level, 'HADOLINT_FAILURE_THRESHOLD'),
    override: override.length === 0 ? undefined : new Map(override),
    ignored: ignored && new Set(ignored.map(upper)),
    strictLabels: flag('HADOLINT_STRICT_LABELS'),
    disableIgnorePragma: flag('HADOLINT_DISABLE_IGNORE_PRAGMA'),
    trustedRegistries: list('HADOLINT_TRUSTED_REGISTRIES'),
    labelSchema: labels && new Map(labels.map(one => parseLabel(one, 'HADOLINT_REQUIRE_LABELS'))),
  }
}

function splitList(text: string | undefined): readonly string[] | undefined {
  if (text === undefined || text.trim() === '') return undefined
  return text.split(',').map(one => one.trim())
}

/** `name:kind`, as `--require-label` takes it. */
export function parseLabel(text: string, where: string): readonly [string, LabelKind] {
  const colon = text.lastIndexOf(':')
  const kind = LABEL_KINDS.find(one => one === text.slice(colon + 1))
  if (colon > 0 && kind !== undefined) return [text.slice(0, colon), kind]
  const hint = `write NAME:KIND, for example maintainer:email; kinds are ${LABEL_KINDS.join(', ')}`
  throw new ShaleError('LINT_CONFIG', `${where}: ${JSON.stringify(text)} is no label with its kind`, { hint })
}

export function parseThreshold(text: string, where: string): Severity | 'none' {
  const found = ([...SEVERITIES, 'none'] as const).find(one => one === text.toLowerCase())
  if (found !== undefined) return found
  const hint = `one of ${SEVERITIES.join(', ')}, none`
  throw new ShaleError('LINT_CONFIG', `${where}: ${JSON.stringify(text)} is no severity`, { hint })
}

/** Settings over settings, the last one given counts; severities of single rules are joined. */
export function mergeSettings(...layers: readonly Settings[]): LintConfig {
  const given = layers.flatMap(layer => Object.entries(layer).filter(([, value]) => value !== undefined))
  const override = new Map(layers.flatMap(layer => [...(layer.override ?? [])]))
  return { ...DEFAULTS, ...Object.fromEntries(given), override }
}

function upper(name: string): string {
  return name.toUpperCase()
}
