/** A parsed template; every node knows its place, for errors at run time. */
export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly pipe: Pipe }
  | {
      readonly kind: 'if' | 'with'
      readonly pipe: Pipe
      readonly then: readonly Node[]
      readonly otherwise: readonly Node[]
    }
  | { readonly kind: 'range'; readonly pipe: Pipe; readonly then: readonly Node[]; readonly otherwise: readonly Node[] }
  | { readonly kind: 'break' }
  | { readonly kind: 'continue' }

/** `$a, $b := first | second` */
export interface Pipe {
  readonly variables: readonly string[]
  /** True for `=`, which sets a variable of an outer scope. */
  readonly assigns: boolean
  readonly calls: readonly Call[]
  readonly offset: number
}

/** A function or value and its arguments. */
export interface Call {
  readonly operands: readonly Operand[]
  /** As written, for errors. */
  readonly text: string
  readonly offset: number
}

export type Operand = (
  | { readonly kind: 'dot' }
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'function'; readonly name: string }
  | { readonly kind: 'pipe'; readonly pipe: Pipe }
) & {
  /** `.A.B` after it. */
  readonly fields: readonly string[]
  readonly text: string
  readonly offset: number
}
