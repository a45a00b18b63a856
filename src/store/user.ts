import { userInfo } from 'node:os'

let known: string | undefined

/** The login name of whom this process works for, or `user 1234` where the machine has no name for the number. */
export function currentUser(): string {
  known ??= lookUp()
  return known
}

function lookUp(): string {
  try {
    return userInfo().username
  } catch {
    return `user ${process.getuid?.() ?? 'unknown'}`
  }
}
