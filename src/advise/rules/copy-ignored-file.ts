import { posix } from 'node:path'
import { dockerPage, type Rule } from '../rule.ts'

/** What a source of ADD begins with that is not in the context. */
const REMOTE = /^(?:https?:\/\/|git@|git:\/\/|ssh:\/\/)/

export const copyIgnoredFile: Rule = {
  name: 'CopyIgnoredFile',
  description: 'Attempting to Copy file that is excluded by .dockerignore',
  url: dockerPage('copy-ignored-file'),
  *check({ steps, isExcluded }) {
    for (const { expanded } of steps) {
      if (expanded.kind !== 'add' && expanded.kind !== 'copy') continue
      if (expanded.kind === 'copy' && expanded.from !== undefined) continue
      for (const source of expanded.sources) {
        const path = posix.normalize(source)
        if (REMOTE.test(source) || !isExcluded(path.replace(/^\/+/, '') || '.')) continue
        const verb = expanded.kind === 'add' ? 'Add' : 'Copy'
        const detail = `Attempting to ${verb} file ${JSON.stringify(path)} that is excluded by .dockerignore`
        yield { range: expanded.range, detail }
      }
    }
  },
}
