/** The descriptor on which a supervisor tells how the start goes, each report a line of JSON, and closes at the last. */
export const REPORT_FD = 3

export type StartReport =
  /** The command waits for somebody to attach. */
  | { readonly kind: 'listening' }
  | {
      readonly kind: 'started'
      /** What is not as it was asked for, each a sentence for a person. */
      readonly warnings: readonly string[]
    }
  | {
      readonly kind: 'failure'
      readonly code: string
      readonly message: string
      readonly hint?: string | undefined
      readonly exitCode: number
    }

/** Said to a supervisor, as its third argument, that somebody is going to attach. */
export const WAIT_FOR_ATTACH = 'wait'
