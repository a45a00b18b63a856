/** The descriptor on which a supervisor tells, as JSON and once, how the start went. */
export const REPORT_FD = 3

export type StartReport =
  | { readonly kind: 'started' }
  | {
      readonly kind: 'failure'
      readonly code: string
      readonly message: string
      readonly hint?: string | undefined
      readonly exitCode: number
    }
