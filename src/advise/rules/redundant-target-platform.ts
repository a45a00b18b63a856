import { dockerPage, type Rule } from '../rule.ts'

export const redundantTargetPlatform: Rule = {
  name: 'RedundantTargetPlatform',
  description: 'Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior',
  url: dockerPage('redundant-target-platform'),
  *check({ froms, automatic }) {
    for (const { stage, platform } of froms) {
      if (platform === undefined || platform.matched.size !== 1 || platform.unmatched.size > 0) continue
      if (!platform.matched.has('TARGETPLATFORM') || platform.value !== automatic.get('TARGETPLATFORM')) continue
      const written = stage.from.platform ?? ''
      const detail = `Setting platform to predefined ${written} in FROM is redundant as this is the default behavior`
      yield { range: stage.from.range, detail }
    }
  },
}
