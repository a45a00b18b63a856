import type { RunningCommand } from '../sandbox/helper.ts'
import type { RunOutput, RunResult, TerminalSize } from '../sandbox/run-request.ts'

/** How a further command of a failed step is run. */
export interface FailedRunCommand {
  readonly args: readonly string[]
  readonly terminal: TerminalSize
  readonly onOutput: (output: RunOutput) => void
  readonly onRunning: (command: RunningCommand) => void
  readonly signal?: AbortSignal | undefined
}

/** A `RUN` whose command has failed, and whose file system is still there with all that the command has written. */
export interface FailedRun {
  /** `[build 2/5] RUN npm ci` */
  readonly name: string
  readonly args: readonly string[]
  readonly exitCode: number
  /** The program of the stage's SHELL. */
  readonly shell: string
  /** Runs a command as the step's own was: with its mounts, environment, user, network and limits. */
  run(command: FailedRunCommand): Promise<RunResult>
}

/** Called before such a step's file system goes; the build waits for it, and then fails as it would have. */
export type OnFailedRun = (failed: FailedRun) => Promise<void>
