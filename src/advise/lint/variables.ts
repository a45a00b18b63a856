import type { Instruction } from '../../dockerfile/instruction.ts'
import { shortened } from '../simulate.ts'

const VARIABLE = /\\.|\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?::?-([^{}$]*))?\})/g

/** Values of ARG and ENV as the file has them. */
export class Variables {
  static readonly none = new Variables(new Map(), new Map(), new Set())
  readonly #args: ReadonlyMap<string, string>
  readonly #env: ReadonlyMap<string, string>
  readonly #declared: ReadonlySet<string>

  private constructor(
    args: ReadonlyMap<string, string>,
    env: ReadonlyMap<string, string>,
    declared: ReadonlySet<string>,
  ) {
    this.#args = args
    this.#env = env
    this.#declared = declared
  }

  get(name: string): string | undefined {
    return this.#env.get(name) ?? this.#args.get(name)
  }

  /** Those that an image keeps. */
  env(name: string): string | undefined {
    return this.#env.get(name)
  }

  /** Those that a command of the stage sees. */
  get names(): readonly string[] {
    return [...this.#declared]
  }

  /** The same values for a stage that has declared none of them yet. */
  get undeclared(): Variables {
    return new Variables(this.#args, this.#env, new Set())
  }

  after(instruction: Instruction): Variables {
    if (instruction.kind === 'arg') {
      const added = instruction.args.flatMap(({ key, value }) => {
        return value === undefined ? [] : [[key, this.#value(value)] as const]
      })
      const declared = new Set([...this.#declared, ...instruction.args.map(({ key }) => key)])
      return new Variables(new Map([...this.#args, ...added]), this.#env, declared)
    }
    if (instruction.kind !== 'env') return this
    const added = instruction.pairs.map(({ key, value }) => [unquoted(key), this.#value(value)] as const)
    const declared = new Set([...this.#declared, ...added.map(([key]) => key)])
    return new Variables(this.#args, new Map([...this.#env, ...added]), declared)
  }

  #value(word: string): string {
    return shortened(this.expand(unquoted(word)))
  }

  /** Variables that are known replaced by their values, the others left. */
  expand(text: string): string {
    if (!text.includes('$')) return text
    return text.replace(VARIABLE, (all, bare?: string, braced?: string, otherwise?: string) => {
      const name = bare ?? braced
      return name === undefined ? all : (this.get(name) ?? otherwise ?? all)
    })
  }
}

/** A word without the quotes around it. */
export function unquoted(word: string): string {
  return /^(["'])(.*)\1$/s.exec(word)?.[2] ?? word
}

/** Whether what a word says is only known when the image is built. */
export function isVariable(word: string): boolean {
  return /[$`]/.test(word)
}
