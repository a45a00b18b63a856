import type { Instruction } from '../../dockerfile/instruction.ts'
import { dockerPage, type Rule } from '../rule.ts'

const SECRET = /(?:^|_)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)/i
/** A public key is no secret, nor is the name of a file that holds one, nor the version of a module. */
const HARMLESS = /(?:^|_)public(?:_|$)|_(?:file|version)$/i

export const secretsUsedInArgOrEnv: Rule = {
  name: 'SecretsUsedInArgOrEnv',
  description: 'Sensitive data should not be used in the ARG or ENV commands',
  url: dockerPage('secrets-used-in-arg-or-env'),
  *check({ steps }) {
    for (const { instruction } of steps) {
      for (const name of namesSet(instruction)) {
        if (!SECRET.test(name) || HARMLESS.test(name)) continue
        const where = `${instruction.kind.toUpperCase()} ${JSON.stringify(name)}`
        const detail = `Do not use ARG or ENV instructions for sensitive data (${where})`
        yield { range: instruction.range, detail }
      }
    }
  },
}

function namesSet(instruction: Instruction): readonly string[] {
  if (instruction.kind === 'arg') return instruction.args.map(({ key }) => key)
  return instruction.kind === 'env' ? instruction.pairs.map(({ key }) => key) : []
}
