import { ShaleError } from '../error.ts'

/** A command line that we do not understand; printed as docker prints it, with what to read next. */
export class UsageError extends ShaleError {
  /** What follows the message: usage lines, or where to find help. */
  readonly advice: string

  constructor(message: string, advice: string, exitCode: number) {
    super('USAGE', message, { exitCode })
    this.advice = advice
  }
}
