import { dockerPage, type Rule } from '../rule.ts'

export const maintainerDeprecated: Rule = {
  name: 'MaintainerDeprecated',
  description: 'The MAINTAINER instruction is deprecated, use a label instead to define an image author',
  url: dockerPage('maintainer-deprecated'),
  *check({ dockerfile }) {
    for (const { kind, range } of dockerfile.instructions) {
      if (kind === 'maintainer') yield { range, detail: 'Maintainer instruction is deprecated in favor of using label' }
    }
  },
}
