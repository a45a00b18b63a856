import type { LintStage } from '../lint/subject.ts'
import { isVariable, unquoted } from '../lint/variables.ts'

/** The image that a stage, or the stage that it is based on, begins with; undefined for `scratch` and the unknown. */
export function rootImage(stage: LintStage): string | undefined {
  let root = stage
  while (root.parent !== undefined) root = root.parent
  if (root.from === undefined || root.from.platform !== undefined) return undefined
  const image = root.steps[0]?.variables.expand(unquoted(root.from.image)) ?? ''
  return image === 'scratch' || image === '' || isVariable(image) ? undefined : image
}
