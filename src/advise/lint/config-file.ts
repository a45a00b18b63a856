import { readFileSync, statSync } from 'node:fs'
import * as z from 'zod/mini'
import { complaint, parseYaml } from '../../config/yaml-file.ts'
import { isErrno, ShaleError } from '../../error.ts'
import { SEVERITIES, type Severity } from '../rule.ts'
import { LABEL_KINDS } from './config.ts'
import type { Settings } from './settings.ts'

const MAX_BYTES = 1024 * 1024
const rules = z.nullish(z.array(z.string()))
const threshold = z.enum([...SEVERITIES, 'none'])

const schema = z.strictObject({
  'failure-threshold': z.nullish(threshold),
  format: z.nullish(z.string()),
  ignored: rules,
  'label-schema': z.nullish(z.record(z.string(), z.enum(LABEL_KINDS))),
  'no-color': z.nullish(z.boolean()),
  'no-fail': z.nullish(z.boolean()),
  override: z.nullish(z.strictObject({ error: rules, warning: rules, info: rules, style: rules, ignore: rules })),
  'strict-labels': z.nullish(z.boolean()),
  'disable-ignore-pragma': z.nullish(z.boolean()),
  trustedRegistries: z.nullish(z.union([z.string(), z.array(z.string())])),
})
const FIELDS = Object.keys(schema.def.shape)

/** Reads a `.hadolint.yaml`. Throws `LINT_CONFIG` with its line. */
export async function readConfigFile(path: string): Promise<Settings> {
  const hint = 'docs/lint.md shows what it can say'
  const { content, fail } = await parseYaml({ file: path, text: readText(path), code: 'LINT_CONFIG', hint })
  const parsed = schema.safeParse(content)
  if (!parsed.success) throw fail(...complaint(parsed.error.issues[0], FIELDS), parsed.error)
  const given = parsed.data
  const { trustedRegistries: trusted, override } = given
  const severities = Object.entries(override ?? {}) as [Severity, readonly string[] | null | undefined][]
  return {
    failureThreshold: given['failure-threshold'] ?? undefined,
    format: given.format ?? undefined,
    ignored: given.ignored ? new Set(given.ignored.map(upper)) : undefined,
    labelSchema: given['label-schema'] ? new Map(Object.entries(given['label-schema'])) : undefined,
    noColor: given['no-color'] ?? undefined,
    noFail: given['no-fail'] ?? undefined,
    override: override
      ? new Map(severities.flatMap(([severity, names]) => (names ?? []).map(name => [upper(name), severity] as const)))
      : undefined,
    strictLabels: given['strict-labels'] ?? undefined,
    disableIgnorePragma: given['disable-ignore-pragma'] ?? undefined,
    trustedRegistries: typeof trusted === 'string' ? [trusted] : (trusted ?? undefined),
  }
}

function readText(path: string): string {
  try {
    if (statSync(path).size > MAX_BYTES)
      throw new ShaleError('DOCUMENT_TOO_LARGE', `${path} has more than ${MAX_BYTES} bytes`)
    return readFileSync(path, 'utf8')
  } catch (cause) {
    if (isErrno(cause)) throw new ShaleError('LINT_CONFIG', `cannot read ${path}: ${cause.message}`, { cause })
    throw cause
  }
}

function upper(name: string): string {
  return name.toUpperCase()
}
