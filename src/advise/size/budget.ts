import * as z from 'zod/mini'
import { complaint, parseYaml } from '../../config/yaml-file.ts'
import type { SizeReport } from './report.ts'

/** Bounds for an image. Sizes are in bytes. */
export interface Budget {
  readonly maxSize?: number | undefined
  readonly maxLayer?: number | undefined
  readonly maxWasted?: number | undefined
  readonly maxFiles?: number | undefined
  /** 0 to 1. */
  readonly minEfficiency?: number | undefined
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  ki: 1024,
  mi: 1024 ** 2,
  gi: 1024 ** 3,
}
const SIZE = /^(\d+(?:\.\d+)?) ?([kmg]i?)?b?$/i

/** `250MB` and `1GiB`: units of 1000, as docker shows sizes, and of 1024. */
const size = z.pipe(
  z.union([z.number().check(z.gte(0)), z.string().check(z.regex(SIZE, 'is no size, such as 250MB'))]),
  z.transform(value => {
    const [, number = '0', unit = ''] = SIZE.exec(String(value)) ?? []
    return Number(number) * (UNITS[unit.toLowerCase()] ?? 1)
  }),
)

const schema = z.strictObject({
  maxSize: z.optional(size),
  maxLayer: z.optional(size),
  maxWasted: z.optional(size),
  maxFiles: z.optional(z.number().check(z.gte(0))),
  minEfficiency: z.optional(z.number().check(z.gte(0), z.lte(1))),
})

/** Reads a budget in YAML. Throws `INVALID_BUDGET` with file and line. */
export async function parseBudget(file: string, text: string): Promise<Budget> {
  const hint = `it takes ${Object.keys(schema.shape).join(', ')}; docs/size.md shows one`
  const { content, fail } = await parseYaml({ file, text, code: 'INVALID_BUDGET', hint })
  const parsed = schema.safeParse(content)
  if (parsed.success) return parsed.data
  throw fail(...complaint(parsed.error.issues[0], Object.keys(schema.shape)), parsed.error)
}

/** A bound that an image does not keep. */
export interface Excess {
  readonly bound: keyof Budget
  readonly allowed: number
  readonly found: number
  /** The line of the Dockerfile with that layer, for `maxLayer`. */
  readonly line?: string | undefined
}

export function excesses(report: SizeReport, budget: Budget): readonly Excess[] {
  const largest = report.lines.toSorted((a, b) => b.bytes - a.bytes)[0]
  const found: readonly (readonly [keyof Budget, number, string?])[] = [
    ['maxSize', report.bytes],
    ['maxLayer', largest?.bytes ?? 0, largest?.createdBy ?? ''],
    ['maxWasted', report.wasted],
    ['maxFiles', report.files],
    ['minEfficiency', report.efficiency],
  ]
  return found.flatMap(([bound, value, line]) => {
    const allowed = budget[bound]
    if (allowed === undefined) return []
    const kept = bound === 'minEfficiency' ? value >= allowed : value <= allowed
    return kept ? [] : [{ bound, allowed, found: value, line }]
  })
}
