/**
 * How one thing stands. `ok`: as it should be. `limited`: works with less. `missing`: something does not work without
 * it. `absent`: optional, and not there.
 */
export type CheckStatus = 'ok' | 'limited' | 'missing' | 'absent'

export interface Check {
  /** What was looked at: `store`, `users`, `overlay`. */
  readonly name: string
  readonly status: CheckStatus
  /** What was found, in a line. */
  readonly message: string
  /** What to do about it. */
  readonly advice?: string | undefined
}

/** Everything that the checks ask of this machine. */
export interface DoctorRequest {
  /** Folder of the store. */
  readonly root: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly offline: boolean
  readonly signal: AbortSignal
}
