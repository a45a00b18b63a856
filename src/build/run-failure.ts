import { ShaleError } from '../error.ts'

/** A RUN whose command failed; `status` is the command's own exit code. */
export class RunFailure extends ShaleError {
  readonly status: number

  constructor(status: number, message: string, hint?: string) {
    super('RUN_FAILED', message, { exitCode: 1, hint })
    this.status = status
  }
}
