import { ShaleError } from '../error.ts'
import { located } from './failure.ts'
import type { Instruction } from './instruction.ts'
import type { InstructionNode } from './node.ts'
import { parseNodes } from './nodes.ts'
import { instructionFrom } from './parse-instruction.ts'

/** An instruction that cannot be understood. */
export interface BrokenInstruction {
  readonly kind: 'broken'
  /** In upper case. */
  readonly keyword: string
  /** The keyword after ONBUILD, in upper case. */
  readonly triggerKeyword: string | undefined
  readonly error: ShaleError
}

export interface ParsedEach {
  readonly escapeChar: '\\' | '`'
  readonly instructions: readonly (Instruction | BrokenInstruction)[]
}

/**
 * The instructions of a text, each by itself: one that is wrong does not hide the others, and no FROM is asked for.
 * Throws a ShaleError for what cannot be cut into instructions.
 */
export function parseEach(text: string, file: string): ParsedEach {
  const source = { file, text }
  const { nodes, escape: escapeChar } = located(source, undefined, () => parseNodes(text))
  const each = (node: InstructionNode): Instruction | BrokenInstruction => {
    try {
      return located(source, undefined, () => instructionFrom(node))
    } catch (error) {
      if (!(error instanceof ShaleError)) throw error
      const { keyword, child } = node
      const triggerKeyword = child?.keyword.text.toUpperCase()
      return { kind: 'broken', keyword: keyword.text.toUpperCase(), triggerKeyword, error }
    }
  }
  return { escapeChar, instructions: nodes.map(each) }
}
