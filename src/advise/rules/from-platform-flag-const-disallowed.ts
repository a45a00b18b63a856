import { dockerPage, type Rule } from '../rule.ts'
import { platformOf } from '../simulate.ts'

export const fromPlatformFlagConstDisallowed: Rule = {
  name: 'FromPlatformFlagConstDisallowed',
  description: 'FROM --platform flag should not use a constant value',
  url: dockerPage('from-platform-flag-const-disallowed'),
  *check({ froms }) {
    for (const { stage, platform } of froms) {
      if (platform === undefined || platform.matched.size > 0 || platform.unmatched.size > 0) continue
      const parsed = platformOf(platform.value)
      // A stage that is named after its platform is one of several, of which the target's is chosen.
      const { name = '' } = stage
      if (parsed === undefined || name.includes(parsed.os) || name.includes(parsed.architecture)) continue
      const value = JSON.stringify(stage.from.platform)
      yield { range: stage.from.range, detail: `FROM --platform flag should not use constant value ${value}` }
    }
  },
}
