import { nearest } from '../../dockerfile/nearest.ts'
import { dockerPage, type Rule } from '../rule.ts'

export const undefinedArgInFrom: Rule = {
  name: 'UndefinedArgInFrom',
  description: 'FROM command must use declared ARGs',
  url: dockerPage('undefined-arg-in-from'),
  *check({ dockerfile, froms, globals }) {
    const declared = dockerfile.metaArgs.flatMap(({ args }) => args.map(({ key }) => key))
    const known = new Set([...declared, ...globals.keys()])
    for (const { stage, image, platform } of froms) {
      for (const name of new Set([...(image?.unmatched ?? []), ...(platform?.unmatched ?? [])])) {
        if (known.has(name)) continue
        const near = nearest(name, known)
        const meant = near === undefined ? '' : ` (did you mean ${near}?)`
        yield { range: stage.from.range, detail: `FROM argument '${name}' is not declared${meant}` }
      }
    }
  },
}
