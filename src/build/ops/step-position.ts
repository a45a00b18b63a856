import type { StepInfo } from '../events.ts'

/** Where a step stands, for its announcement, its record and its explanation. */
export interface StepPosition {
  /** The stage's name as shown. */
  readonly stage: string
  readonly stageIndex: number
  /** Counts the stage's steps from 1. */
  readonly ordinal: number
  readonly info: StepInfo
}
