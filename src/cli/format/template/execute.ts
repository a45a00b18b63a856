import { nearest } from '../../../dockerfile/nearest.ts'
import { templateError } from './failure.ts'
import { ARITY, FUNCTIONS } from './functions.ts'
import { CallError, checkLength, MAX_OUTPUT, MAX_ROUNDS } from './limits.ts'
import type { Call, Node, Operand, Pipe } from './nodes.ts'
import type { Template } from './parse.ts'
import { goString, isObject, isTrue, sortedKeys, structType, typeName, type Value } from './value.ts'

/** What a missing key of a map gives; it prints as Go does. */
const NO_VALUE = undefined

type Flow = 'next' | 'break' | 'continue'

/** Runs a template over `data`. Throws `INVALID_TEMPLATE` in Go's words for what cannot be evaluated. */
export function executeTemplate(template: Template, data: Value): string {
  const run = new Run(template, data)
  run.nodes(template.nodes, data)
  return run.output.join('')
}

class Run {
  readonly output: string[] = []
  #length = 0
  #rounds = 0
  readonly #source: string
  /** Innermost last. */
  readonly #variables: { readonly name: string; value: Value }[]

  constructor(template: Template, data: Value) {
    this.#source = template.source
    this.#variables = [{ name: '$', value: data }]
  }

  nodes(nodes: readonly Node[], dot: Value): Flow {
    const scope = this.#variables.length
    let flow: Flow = 'next'
    for (const node of nodes) {
      flow = this.#node(node, dot)
      if (flow !== 'next') break
    }
    this.#variables.length = scope
    return flow
  }

  #node(node: Node, dot: Value): Flow {
    switch (node.kind) {
      case 'text':
        this.#print(node.text, 0)
        return 'next'
      case 'action': {
        const value = this.#pipe(node.pipe, dot)
        if (node.pipe.variables.length === 0) {
          this.#print(value === NO_VALUE ? '<no value>' : goString(value), node.pipe.offset)
        }
        return 'next'
      }
      case 'if':
      case 'with':
        return this.#condition(node, dot)
      case 'range':
        return this.#range(node, dot)
      case 'break':
      case 'continue':
        return node.kind
      default:
        return node satisfies never
    }
  }

  #print(text: string, offset: number): void {
    this.#length += text.length
    if (this.#length > MAX_OUTPUT) {
      throw templateError(this.#source, offset, `the output has more than ${MAX_OUTPUT} characters`)
    }
    this.output.push(text)
  }

  #condition(node: Extract<Node, { kind: 'if' | 'with' }>, dot: Value): Flow {
    const scope = this.#variables.length
    const value = this.#pipe(node.pipe, dot)
    const inner = node.kind === 'with' ? value : dot
    const flow = isTrue(value) ? this.nodes(node.then, inner) : this.nodes(node.otherwise, dot)
    this.#variables.length = scope
    return flow
  }

  #range(node: Extract<Node, { kind: 'range' }>, dot: Value): Flow {
    const { pipe, then, otherwise } = node
    const scope = this.#variables.length
    const items = this.#items(this.#pipe({ ...pipe, variables: [] }, dot), pipe)
    if (items.length === 0) return this.nodes(otherwise, dot)
    for (const [key, item] of items) {
      if (++this.#rounds > MAX_ROUNDS) {
        throw templateError(this.#source, pipe.offset, `more than ${MAX_ROUNDS} rounds of {{range}}`)
      }
      const values = pipe.variables.length === 1 ? [item] : [key, item]
      pipe.variables.forEach((name, at) => {
        this.#set(name, values[at], pipe.assigns)
      })
      const flow = this.nodes(then, item)
      this.#variables.length = scope
      if (flow === 'break') break
    }
    return 'next'
  }

  #items(value: Value, pipe: Pipe): readonly (readonly [Value, Value])[] {
    if (value === null || value === undefined) return []
    if (Array.isArray(value)) return value.map((item, at) => [at, item] as const)
    if (isObject(value) && structType(value) === undefined) return sortedKeys(value).map(key => [key, value[key]])
    if (typeof value === 'number' && Number.isInteger(value)) {
      if (value > MAX_ROUNDS) throw this.#error(pipe.calls[0] as Call, `range over more than ${MAX_ROUNDS}`)
      return Array.from({ length: Math.max(0, value) }, (_, at) => [at, at])
    }
    throw this.#error(pipe.calls[0] as Call, `range can't iterate over ${goString(value)}`)
  }

  #set(name: string, value: Value, assigns: boolean): void {
    const known = assigns ? this.#variables.findLast(variable => variable.name === name) : undefined
    if (known === undefined) this.#variables.push({ name, value })
    else known.value = value
  }

  #pipe(pipe: Pipe, dot: Value): Value {
    let value: Value
    pipe.calls.forEach((call, at) => {
      value = this.#call(call, dot, at === 0 ? [] : [value])
    })
    for (const name of pipe.variables) this.#set(name, value, pipe.assigns)
    return value
  }

  #call(call: Call, dot: Value, piped: readonly Value[]): Value {
    const [first, ...rest] = call.operands as [Operand, ...Operand[]]
    if (first.kind === 'function') {
      const value =
        first.name === 'and' || first.name === 'or'
          ? this.#lazy(first.name, rest, piped, dot, call)
          : this.#function(first, [...rest.map(operand => this.#operand(operand, dot, call)), ...piped], call)
      return this.#fields(value, first.fields, call)
    }
    if (rest.length > 0 || piped.length > 0) {
      const method = first.fields.length > 0 ? this.#operand(first, dot, call) : undefined
      if (typeof method === 'function') {
        return method(...rest.map(operand => this.#operand(operand, dot, call)), ...piped) as Value
      }
      const name = first.fields.at(-1) ?? first.text
      throw this.#error(call, `${name} is not a method but has arguments`)
    }
    return this.#operand(first, dot, call)
  }

  #lazy(name: 'and' | 'or', operands: readonly Operand[], piped: readonly Value[], dot: Value, call: Call): Value {
    let value: Value
    for (const operand of operands) {
      value = this.#operand(operand, dot, call)
      if (isTrue(value) === (name === 'or')) return value
    }
    if (operands.length + piped.length === 0)
      throw this.#error(call, `wrong number of args for ${name}: want at least 1 got 0`)
    return piped.length > 0 ? piped[0] : value
  }

  #function({ name }: { readonly name: string }, args: readonly Value[], call: Call): Value {
    const [min, max] = ARITY[name] ?? [1, 99]
    if (args.length < min || args.length > max) {
      const want = min === max ? `${min}` : args.length < min ? `at least ${min}` : `at most ${max}`
      throw this.#error(call, `wrong number of args for ${name}: want ${want} got ${args.length}`)
    }
    try {
      const value = FUNCTIONS[name]?.(...args)
      if (typeof value === 'string') checkLength(value.length)
      return value
    } catch (error) {
      if (error instanceof CallError) throw this.#error(call, `error calling ${name}: ${error.message}`)
      throw error
    }
  }

  #operand(operand: Operand, dot: Value, call: Call): Value {
    switch (operand.kind) {
      case 'dot':
        return this.#fields(dot, operand.fields, call)
      case 'literal':
        return operand.value
      case 'variable': {
        const variable = this.#variables.findLast(({ name }) => name === operand.name)
        return this.#fields(variable?.value, operand.fields, call)
      }
      case 'function':
        return this.#fields(
          this.#call({ ...call, operands: [{ ...operand, fields: [] }] }, dot, []),
          operand.fields,
          call,
        )
      case 'pipe':
        return this.#fields(this.#pipe(operand.pipe, dot), operand.fields, call)
      default:
        return operand satisfies never
    }
  }

  #fields(start: Value, fields: readonly string[], call: Call): Value {
    let value = start
    for (const field of fields) {
      if (value === null || value === undefined) throw this.#error(call, `nil pointer evaluating interface {}.${field}`)
      const type = structType(value)
      if (!isObject(value)) throw this.#error(call, `can't evaluate field ${field} in type ${typeName(value)}`)
      if (type !== undefined && !Object.hasOwn(value, field)) {
        throw this.#error(call, `can't evaluate field ${field} in type ${type}`, fieldsHint(field, value))
      }
      value = Object.hasOwn(value, field) ? value[field] : NO_VALUE
    }
    return value
  }

  #error(call: Call, what: string, hint?: string): Error {
    return templateError(this.#source, call.offset, `executing "" at <${shown(call.text)}>: ${what}`, hint)
  }
}

/** Go's words name a type that only Go's programmers know. */
function fieldsHint(field: string, value: object): string {
  const names = Object.getOwnPropertyNames(value).toSorted()
  const near = nearest(field, names)
  return `${near === undefined ? '' : `did you mean .${near}? `}the fields are ${names.join(', ')}`
}

function shown(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}
