import { ShaleError } from '../../error.ts'
import { parseReference } from '../../oci/reference.ts'
import { dockerPage, type Rule } from '../rule.ts'
import { expanded } from '../subject.ts'

export const invalidDefaultArgInFrom: Rule = {
  name: 'InvalidDefaultArgInFrom',
  description: 'Default value for global ARG results in an empty or invalid base image name',
  url: dockerPage('invalid-default-arg-in-from'),
  *check({ dockerfile, defaults }) {
    for (const { from } of dockerfile.stages) {
      if (!from.image.includes('$')) continue
      const name = expanded(from.image, key => defaults.get(key), dockerfile)?.value
      if (name === undefined || isImageName(name)) continue
      yield {
        range: from.range,
        detail: `Default value for ARG ${from.image} results in empty or invalid base image name`,
      }
    }
  },
}

function isImageName(name: string): boolean {
  try {
    parseReference(name)
    return true
  } catch (error) {
    if (error instanceof ShaleError) return false
    throw error
  }
}
