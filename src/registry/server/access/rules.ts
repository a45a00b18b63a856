import { anyOf, type Matcher } from '../pattern.ts'
import type { Action, Permissions } from '../registry.ts'

/** Lets some users do some things in some repositories. What no rule allows is refused. */
export interface Rule {
  /** Patterns of names. */
  readonly repositories: readonly string[]
  /** Names; `*` is whoever has signed in, `anonymous` who has not. */
  readonly users: readonly string[]
  readonly actions: readonly Action[]
}

export interface AccessSettings {
  /** Whether there are users to sign in as. */
  readonly hasUsers: boolean
  /** What everybody may do, signed in or not. */
  readonly anonymous: 'all' | 'pull' | 'none'
  /** None: who has signed in may do everything. */
  readonly rules: readonly Rule[]
}

interface CompiledRule {
  readonly matches: Matcher
  readonly users: ReadonlySet<string>
  readonly actions: ReadonlySet<Action>
}

export function permissions({ hasUsers, anonymous, rules }: AccessSettings): Permissions {
  const compiled = rules.map(
    (rule): CompiledRule => ({
      matches: anyOf(rule.repositories),
      users: new Set(rule.users),
      actions: new Set(rule.actions),
    }),
  )
  return {
    may(user, action, repository) {
      if (anonymous === 'all' || (anonymous === 'pull' && action === 'pull')) return true
      if (compiled.length === 0) return hasUsers && user !== undefined
      return compiled.some(
        rule => rule.actions.has(action) && includesUser(rule.users, user) && rule.matches(repository),
      )
    },
  }
}

function includesUser(users: ReadonlySet<string>, user: string | undefined): boolean {
  return user === undefined ? users.has('anonymous') : users.has(user) || users.has('*')
}
