import { dockerPage, type Rule } from '../rule.ts'

export const workdirRelativePath: Rule = {
  name: 'WorkdirRelativePath',
  description:
    'Relative workdir without an absolute workdir declared within the build can have unexpected results if the base image changes',
  url: dockerPage('workdir-relative-path'),
  *check({ steps }) {
    for (const { expanded, hasWorkdir } of steps) {
      if (expanded.kind !== 'workdir' || hasWorkdir || expanded.path.startsWith('/')) continue
      const path = JSON.stringify(expanded.path)
      yield {
        range: expanded.range,
        detail: `Relative workdir ${path} can have unexpected results if the base image changes`,
      }
    }
  },
}
