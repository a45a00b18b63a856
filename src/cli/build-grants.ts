import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { BuildSecret, Entitlement } from '../build/options.ts'
import { splitCsv } from '../dockerfile/csv.ts'
import { nearest } from '../dockerfile/nearest.ts'
import { ShaleError } from '../error.ts'

type Environment = Readonly<Record<string, string | undefined>>

const ENTITLEMENTS: readonly Entitlement[] = ['network.host', 'security.insecure']

/** Reads `--allow network.host,security.insecure`. Throws `INVALID_ENTITLEMENT`. */
export function parseEntitlements(text: string): readonly Entitlement[] {
  return text.split(',').map(word => {
    const found = ENTITLEMENTS.find(each => each === word.trim())
    if (found !== undefined) return found
    const near = nearest(word, ENTITLEMENTS)
    throw new ShaleError('INVALID_ENTITLEMENT', `unknown entitlement ${JSON.stringify(word)}`, {
      hint: near === undefined ? `known are ${ENTITLEMENTS.join(' and ')}` : `did you mean ${near}?`,
    })
  })
}

const SECRET_KEYS = ['id', 'src', 'source', 'env', 'type']

/**
 * Reads `--secret id=NAME[,src=FILE|,env=VARIABLE][,type=file|env]` as buildx does: with an ID alone it is the variable
 * of that name, else the file. Throws `INVALID_SECRET`, never with a value.
 */
export function parseSecret(text: string, env: Environment): BuildSecret {
  const fields = readFields(text)
  const id = fields.get('id')
  if (id === undefined || id === '') throw invalid(text, 'it has no id', 'write --secret id=mykey,src=FILE')
  const type = fields.get('type')
  if (type !== undefined && type !== 'file' && type !== 'env') throw invalid(text, `type ${type} is unknown`)
  const source = fields.get('src') ?? fields.get('source')
  const variable = fields.get('env') ?? (type === 'env' ? (source ?? id) : undefined)
  if (variable !== undefined) return fromVariable(text, id, variable, env)
  if (source === undefined && type === undefined && env[id] !== undefined) return fromVariable(text, id, id, env)
  const file = resolve(source ?? id)
  if (!existsSync(file)) throw invalid(text, `there is no file ${file}`)
  return { id, file }
}

function fromVariable(text: string, id: string, variable: string, env: Environment): BuildSecret {
  const value = env[variable]
  if (value === undefined) throw invalid(text, `the variable ${variable} is not set`)
  return { id, value }
}

function readFields(text: string): ReadonlyMap<string, string> {
  const words = splitCsv(text)?.map(field => field.text)
  if (words === undefined) throw invalid(text, 'its quotes do not match')
  return new Map(
    words.map(word => {
      const [, key = '', value] = /^([^=]*)(?:=(.*))?$/s.exec(word) ?? []
      const name = key.trim().toLowerCase()
      if (value === undefined) throw invalid(text, `${JSON.stringify(word)} is no key=value pair`)
      if (SECRET_KEYS.includes(name)) return [name, value] as const
      const near = nearest(name, SECRET_KEYS)
      throw invalid(text, `unexpected key ${JSON.stringify(key)}`, near && `did you mean ${near}?`)
    }),
  )
}

function invalid(text: string, why: string, hint?: string): ShaleError {
  return new ShaleError('INVALID_SECRET', `invalid secret ${JSON.stringify(text)}: ${why}`, { hint })
}
