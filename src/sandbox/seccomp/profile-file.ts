import { readFileSync } from 'node:fs'
import * as z from 'zod/mini'
import { ShaleError } from '../../error.ts'
// It gives zod its messages.
import '../../oci/manifest.ts'
import { SECCOMP_ACTIONS, SECCOMP_OPERATORS, type SeccompProfile } from './spec.ts'

const names = z.array(z.string().check(z.minLength(1)))
const errno = z.optional(z.nullable(z.int().check(z.gte(0), z.lte(4095))))
const value = z.int().check(z.gte(0))

const condition = z.nullish(
  z.looseObject({ caps: z.nullish(names), arches: z.nullish(names), minKernel: z.nullish(z.string()) }),
)

const ruleSchema = z.looseObject({
  name: z.optional(z.string()),
  names: z.optional(names),
  action: z.enum(SECCOMP_ACTIONS),
  errnoRet: errno,
  args: z.nullish(
    z.array(
      z.looseObject({
        index: z.int().check(z.gte(0), z.lte(5)),
        value,
        valueTwo: z.optional(value),
        op: z.enum(SECCOMP_OPERATORS),
      }),
    ),
  ),
  includes: condition,
  excludes: condition,
})

const profileSchema = z.looseObject({
  defaultAction: z.enum(SECCOMP_ACTIONS),
  defaultErrnoRet: errno,
  architectures: z.nullish(names),
  archMap: z.nullish(
    z.array(z.looseObject({ architecture: z.string(), subArchitectures: z.nullish(z.array(z.string())) })),
  ),
  flags: z.nullish(names),
  listenerPath: z.optional(z.string()),
  syscalls: z.nullish(z.array(ruleSchema)),
})

/** More than any profile needs. */
const LIMIT = 4 * 1024 * 1024

/** Reads a profile in docker's format. Throws `SECCOMP_PROFILE` with the file and the place in it. */
export function readProfile(path: string): SeccompProfile {
  return parseProfile(readText(path), path)
}

export function parseProfile(text: string, path: string): SeccompProfile {
  const fail = (why: string, cause?: unknown, hint = 'the format is that of docker’s default.json') =>
    new ShaleError('SECCOMP_PROFILE', `seccomp profile ${path}: ${why}`, { hint, cause })
  const parsed = profileSchema.safeParse(json(text, fail))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const place = issue?.path.map(String).join('.')
    throw fail(`${place === '' || place === undefined ? '' : `${place}: `}${issue?.message ?? 'it is not valid'}`)
  }
  const { data } = parsed
  if (data.listenerPath !== undefined) throw fail('listenerPath: a listener for system calls is not supported')
  if ((data.architectures ?? []).length > 0 && (data.archMap ?? []).length > 0) {
    throw fail("both 'architectures' and 'archMap' are specified in the seccomp profile, use either of them")
  }
  return {
    defaultAction: data.defaultAction,
    ...(data.defaultErrnoRet != null && { defaultErrnoRet: data.defaultErrnoRet }),
    ...(data.architectures != null && { architectures: data.architectures }),
    ...(data.archMap != null && { archMap: data.archMap }),
    ...(data.flags != null && { flags: data.flags }),
    syscalls: (data.syscalls ?? []).map((rule, index) => profileRule(rule, why => fail(`syscalls.${index}: ${why}`))),
  }
}

function profileRule(
  rule: z.infer<typeof ruleSchema>,
  fail: (why: string) => ShaleError,
): SeccompProfile['syscalls'][number] {
  if (rule.name !== undefined && rule.names !== undefined && rule.names.length > 0) {
    throw fail("both 'name' and 'names' are specified in the seccomp profile, use either 'name' or 'names'")
  }
  return {
    names: rule.name === undefined ? (rule.names ?? []) : [rule.name],
    action: rule.action,
    ...(rule.errnoRet != null && { errnoRet: rule.errnoRet }),
    ...(rule.args != null && { args: rule.args }),
    ...(rule.includes != null && { includes: withoutNulls(rule.includes) }),
    ...(rule.excludes != null && { excludes: withoutNulls(rule.excludes) }),
  }
}

function withoutNulls({ caps, arches, minKernel }: NonNullable<z.infer<typeof condition>>) {
  return { ...(caps != null && { caps }), ...(arches != null && { arches }), ...(minKernel != null && { minKernel }) }
}

function json(text: string, fail: (why: string, cause?: unknown) => ShaleError): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw fail(`it is not JSON: ${(cause as Error).message}`, cause)
  }
}

function readText(path: string): string {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new ShaleError('SECCOMP_PROFILE', `opening seccomp profile (${path}) failed: ${(cause as Error).message}`, {
      hint: 'name a file in docker’s format, or unconfined, or builtin',
      cause,
    })
  }
  if (text.length <= LIMIT) return text
  throw new ShaleError('SECCOMP_PROFILE', `seccomp profile ${path} has ${text.length} characters, more than ${LIMIT}`)
}
