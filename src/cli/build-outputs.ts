import { resolve } from 'node:path'
import type { Output, Sink } from '../build/outputs/output.ts'
import { splitCsv } from '../dockerfile/csv.ts'
import { nearest } from '../dockerfile/nearest.ts'
import { ShaleError } from '../error.ts'
import type { Context } from './command.ts'

/** What `-o`, `--load` and `--push` ask for. */
export interface BuildOutputs {
  readonly outputs: readonly Output[]
  readonly push: boolean
  /** An output goes to the standard output, where nothing else may. */
  readonly onStdout: boolean
}

const TYPES = ['image', 'local', 'tar', 'oci', 'docker', 'registry', 'cacheonly'] as const
type Type = (typeof TYPES)[number]

const KEYS: Readonly<Record<Type, readonly string[]>> = {
  image: ['name', 'push'],
  registry: ['name'],
  local: ['dest'],
  tar: ['dest'],
  oci: ['dest', 'name', 'tar'],
  docker: ['dest', 'name'],
  cacheonly: [],
}

/** One `-o`, read but not judged. */
interface Spec {
  readonly text: string
  readonly type: Type
  readonly values: ReadonlyMap<string, string>
}

/**
 * Outputs as buildx has them: `type=…,key=value`, or a folder, or `-` for a tar. Without any the image goes into the
 * store. Throws `INVALID_OUTPUT`, `OUTPUT_IS_TERMINAL`.
 */
export function buildOutputs(
  context: Context,
  given: { readonly output: readonly string[]; readonly load: boolean; readonly push: boolean },
): BuildOutputs {
  const specs = given.output.map(readSpec)
  const pushes = specs.some(spec => spec.type === 'registry' || isTrue(spec, 'push', false))
  const outputs = specs.map(spec => outputOf(spec, context))
  const stored = given.load || given.push || specs.length === 0
  if (stored && !outputs.some(({ type }) => type === 'image')) outputs.push({ type: 'image', names: [] })
  const sinks = outputs.filter(output => 'to' in output && typeof output.to !== 'string').length
  if (sinks > 1) throw new ShaleError('INVALID_OUTPUT', 'only one output can go to the standard output')
  return { outputs, push: given.push || pushes, onStdout: sinks > 0 }
}

function readSpec(text: string): Spec {
  const fields = splitCsv(text)
  const only = fields?.length === 1 ? fields[0]?.text : undefined
  if (only !== undefined && !only.includes('=')) {
    const values = new Map([['dest', only]])
    return { text, type: only === '-' ? 'tar' : 'local', values }
  }
  const pairs = (fields ?? []).map(field => /^([^=]+)=(.*)$/s.exec(field.text))
  const values = new Map(pairs.flatMap(pair => (pair === null ? [] : [[(pair[1] ?? '').toLowerCase(), pair[2] ?? '']])))
  if (fields === undefined || pairs.includes(null)) throw invalid(text, 'it is no list of key=value')
  const type = values.get('type')
  if (type === undefined) throw invalid(text, 'type is required', `the types are ${TYPES.join(', ')}`)
  if (!isType(type)) {
    const near = nearest(type, TYPES)
    throw invalid(
      text,
      `there is no type ${type}`,
      near ? `did you mean ${near}?` : `the types are ${TYPES.join(', ')}`,
    )
  }
  const unknown = [...values.keys()].find(key => key !== 'type' && !KEYS[type].includes(key))
  if (unknown !== undefined) {
    throw invalid(text, `type=${type} takes no ${unknown}`, `it takes ${KEYS[type].join(', ') || 'nothing more'}`)
  }
  return { text, type, values }
}

function isType(text: string): text is Type {
  return (TYPES as readonly string[]).includes(text)
}

function outputOf(spec: Spec, context: Context): Output {
  const { type, values, text } = spec
  const names = (values.get('name') ?? '').split(',').filter(name => name !== '')
  switch (type) {
    case 'image':
    case 'registry':
      return { type: 'image', names }
    case 'local': {
      const folder = values.get('dest')
      if (!folder) throw invalid(text, 'dest is required: the folder to write to')
      return { type, folder: resolve(folder) }
    }
    case 'tar':
      return { type, to: destination(spec, context) }
    case 'oci': {
      if (isTrue(spec, 'tar', true)) return { type, to: destination(spec, context), names }
      const folder = values.get('dest')
      if (!folder) throw invalid(text, 'dest is required: the folder to write to')
      return { type: 'oci-layout', folder: resolve(folder), names }
    }
    case 'docker':
      // Without a file docker loads it into its own store, which here is the store.
      return values.has('dest') ? { type, to: destination(spec, context), names } : { type: 'image', names }
    case 'cacheonly':
      return { type }
    default:
      return type satisfies never
  }
}

function destination({ values, text }: Spec, context: Context): string | Sink {
  const dest = values.get('dest') ?? '-'
  if (dest === '') throw invalid(text, 'dest is empty')
  if (dest !== '-') return resolve(dest)
  if (context.out.isTerminal) {
    throw new ShaleError('OUTPUT_IS_TERMINAL', 'dest file is required: refusing to write an archive to a terminal', {
      hint: 'name a file with dest=, or redirect',
    })
  }
  return chunk => context.out.write(chunk)
}

function isTrue({ values, text }: Spec, key: string, fallback: boolean): boolean {
  const value = values.get(key)
  if (value === undefined) return fallback
  if (/^(?:true|t|1)$/i.test(value)) return true
  if (/^(?:false|f|0)$/i.test(value)) return false
  throw invalid(text, `${key}=${value}: it is true or false`)
}

function invalid(text: string, why: string, hint?: string): ShaleError {
  return new ShaleError('INVALID_OUTPUT', `invalid --output ${JSON.stringify(text)}: ${why}`, { hint })
}
