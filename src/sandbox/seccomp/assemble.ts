import { ShaleError } from '../../error.ts'
import { type FilterArch, filterArchs } from './numbers.ts'
import type { SeccompArg, SpecSeccomp, SpecSyscall } from './spec.ts'

/*
 * Classic BPF for seccomp(2). A block never runs on into what follows it: each path ends in a RET, so blocks are put
 * one after the other, and a jump is over the length of a block. Source: include/uapi/linux/{bpf_common,seccomp}.h.
 */

interface Instruction {
  readonly code: number
  /** How many instructions to skip when the comparison holds, and when it does not. At most 255. */
  readonly jt: number
  readonly jf: number
  readonly k: number
}

type Block = readonly Instruction[]

const CODE = { load: 0x20, jump: 0x05, equal: 0x15, greater: 0x25, atLeast: 0x35, and: 0x54, return: 0x06 } as const
const FAR = 255

/** Offsets in `struct seccomp_data`; both architectures are little-endian. */
const NUMBER = 0
const ARCHITECTURE = 4
const lowHalf = (argument: number): number => 16 + 8 * argument
const highHalf = (argument: number): number => lowHalf(argument) + 4

const ACTION = { kill: 0x80000000, killThread: 0, trap: 0x30000, errno: 0x50000, trace: 0x7ff00000 } as const
const LOG = 0x7ffc0000
const ALLOW = 0x7fff0000
const EPERM = 1
const ENOSYS = 38

/** x32 calls have this bit. Their names are those of x86-64, so they would pass by its rules. */
const X32 = 0x40000000

/** Private calls of 32-bit ARM begin here; they say nothing about how new a profile is. */
const PRIVATE_CALLS = 0x10000

/** The kernel's limit (BPF_MAXINSNS). */
const MOST_INSTRUCTIONS = 4096

/**
 * The filter as an array of `struct sock_filter`; undefined on a machine whose system calls we have no table of. What
 * the kernel has and the profile is too old to know gets ENOSYS, as runc does it, so that programs fall back to what
 * they did before. Throws `SECCOMP_PROFILE` when the filter is longer than the kernel takes.
 */
export function assembleFilter(spec: SpecSeccomp, machine: string): Uint8Array | undefined {
  const archs = filterArchs(machine).filter(({ name }, index) => index === 0 || spec.architectures.includes(name))
  if (archs.length === 0) return undefined
  const byName = rulesByName(spec)
  const sections = archs.map(arch => section(byName, spec, arch))
  const program = sections.flatMap((block, index) => [
    ...unlessEqual((archs[index] as FilterArch).audit, block.length),
    ...block,
  ])
  // Nothing is known about calls in other architectures.
  const whole = [op(CODE.load, ARCHITECTURE), ...program, ret(ACTION.kill)]
  if (whole.length > MOST_INSTRUCTIONS) {
    throw new ShaleError('SECCOMP_PROFILE', `the seccomp profile makes a filter of ${whole.length} instructions`, {
      hint: `the kernel takes ${MOST_INSTRUCTIONS}; leave out conditions on arguments`,
    })
  }
  return encode(whole)
}

function section(byName: ReadonlyMap<string, CallRules>, spec: SpecSeccomp, arch: FilterArch): Block {
  const fallback: Block = [ret(actionValue(spec.defaultAction, spec.defaultErrnoRet))]
  const permissive = spec.defaultAction === 'SCMP_ACT_ALLOW' || spec.defaultAction === 'SCMP_ACT_LOG'
  const beyond: Block = permissive ? fallback : [ret(ACTION.errno | ENOSYS)]
  const newest = newestCall(byName, arch)
  const leaves: Leaf[] = []
  const add = (from: number, block: Block): void => {
    const before = leaves.at(-1)?.[1]
    // Neighbours with the same outcome are one stretch.
    const same = before?.length === 1 && block.length === 1 && before[0]?.k === block[0]?.k
    if (!same) leaves.push([from, block])
  }
  let next = 0
  for (const [name, number] of arch.numbers) {
    if (number > next) add(next, next > newest ? beyond : fallback)
    const otherwise = number > newest ? beyond : fallback
    const rules = byName.get(name)
    add(number, rules === undefined ? otherwise : callBlock(rules, fallback[0] as Instruction))
    next = number + 1
  }
  add(next, beyond)
  if (arch.name === 'SCMP_ARCH_X86_64') add(X32, [ret(ACTION.errno | ENOSYS)])
  return [op(CODE.load, NUMBER), ...search(leaves)]
}

/** The greatest number that the profile knows of. */
function newestCall(byName: ReadonlyMap<string, CallRules>, { numbers }: FilterArch): number {
  let newest = Number.NEGATIVE_INFINITY
  for (const [name, number] of numbers) if (number < PRIVATE_CALLS && byName.has(name)) newest = number
  // A profile without rules is none of an older time.
  return newest === Number.NEGATIVE_INFINITY ? PRIVATE_CALLS : newest
}

/** What a profile says of one call. Rules with conditions come first, whatever their order is in the profile. */
interface CallRules {
  readonly conditional: readonly SpecSyscall[]
  readonly always: Instruction | undefined
}

function rulesByName({ syscalls }: SpecSeccomp): ReadonlyMap<string, CallRules> {
  const rules = new Map<string, CallRules>()
  for (const rule of syscalls) {
    const conditional = rule.args !== undefined && rule.args.length > 0
    const always = conditional ? undefined : ret(actionValue(rule.action, rule.errnoRet))
    for (const name of rule.names) {
      const known = rules.get(name)
      rules.set(name, {
        conditional: [...(known?.conditional ?? []), ...(conditional ? alternatives(rule) : [])],
        always: known?.always ?? always,
      })
    }
  }
  return rules
}

type Leaf = readonly [from: number, block: Block]

/** A binary search for the stretch that the number is in. */
function search(leaves: readonly Leaf[]): Block {
  const backwards: Instruction[] = []
  searchBackwards(leaves, 0, leaves.length, backwards)
  return backwards.reverse()
}

/** Last instruction first: what a jump skips is there when the jump is made. */
function searchBackwards(leaves: readonly Leaf[], begin: number, end: number, out: Instruction[]): void {
  if (end - begin === 1) {
    const block = (leaves[begin] as Leaf)[1]
    for (let index = block.length - 1; index >= 0; index--) out.push(block[index] as Instruction)
    return
  }
  const middle = (begin + end) >> 1
  searchBackwards(leaves, middle, end, out)
  const above = out.length
  searchBackwards(leaves, begin, middle, out)
  const below = out.length - above
  const from = (leaves[middle] as Leaf)[0]
  if (below <= FAR) out.push(op(CODE.atLeast, from, below, 0))
  else out.push(op(CODE.jump, below), op(CODE.atLeast, from, 0, 1))
}

/** Skips `length` instructions when what is loaded is not `k`. */
function unlessEqual(k: number, length: number): Block {
  return length <= FAR ? [op(CODE.equal, k, 0, length)] : [op(CODE.equal, k, 1, 0), op(CODE.jump, length)]
}

function callBlock({ conditional, always }: CallRules, fallback: Instruction): Block {
  const checks = conditional.flatMap(({ action, errnoRet, args = [] }) =>
    when(args, ret(actionValue(action, errnoRet))),
  )
  return [...checks, always ?? fallback]
}

/** Conditions on the same argument are alternatives, as in runc and Docker. */
function alternatives(rule: SpecSyscall): readonly SpecSyscall[] {
  const args = rule.args ?? []
  const unique = new Set(args.map(({ index }) => index)).size === args.length
  return unique ? [rule] : args.map(arg => ({ ...rule, args: [arg] }))
}

/** Ends with the outcome when all of the conditions hold, else it goes on behind the block. */
function when(args: readonly SeccompArg[], outcome: Instruction): Block {
  const body: Instruction[] = [outcome]
  for (const arg of args.toReversed()) body.unshift(...condition(arg, body.length))
  return body
}

/** Goes on when the condition holds, else skips `body` instructions more. */
function condition({ index, value, valueTwo = 0, op: operator }: SeccompArg, body: number): Block {
  const [high, low] = halves(value)
  const ifHigh = op(CODE.load, highHalf(index))
  const ifLow = op(CODE.load, lowHalf(index))
  const compare = (last: Instruction): Block => [
    ifHigh,
    // Greater decides for; else it has to be equal for the lower half to matter.
    op(CODE.greater, high, 3, 0),
    op(CODE.equal, high, 0, 2 + body),
    ifLow,
    last,
  ]
  const negated = (last: Instruction): Block => [
    ifHigh,
    op(CODE.greater, high, 3 + body, 0),
    op(CODE.equal, high, 0, 2),
    ifLow,
    last,
  ]
  switch (operator) {
    case 'SCMP_CMP_EQ':
      return [ifHigh, op(CODE.equal, high, 0, 2 + body), ifLow, op(CODE.equal, low, 0, body)]
    case 'SCMP_CMP_NE':
      return [ifHigh, op(CODE.equal, high, 0, 2), ifLow, op(CODE.equal, low, body, 0)]
    case 'SCMP_CMP_GT':
      return compare(op(CODE.greater, low, 0, body))
    case 'SCMP_CMP_GE':
      return compare(op(CODE.atLeast, low, 0, body))
    case 'SCMP_CMP_LE':
      return negated(op(CODE.greater, low, body, 0))
    case 'SCMP_CMP_LT':
      return negated(op(CODE.atLeast, low, body, 0))
    case 'SCMP_CMP_MASKED_EQ': {
      const [wantedHigh, wantedLow] = halves(valueTwo)
      return [
        ifHigh,
        op(CODE.and, high),
        op(CODE.equal, wantedHigh, 0, 3 + body),
        ifLow,
        op(CODE.and, low),
        op(CODE.equal, wantedLow, 0, body),
      ]
    }
  }
}

function halves(value: number): readonly [high: number, low: number] {
  return [Math.floor(value / 2 ** 32), value % 2 ** 32]
}

function actionValue(action: SpecSyscall['action'], errno = EPERM): number {
  switch (action) {
    case 'SCMP_ACT_ALLOW':
      return ALLOW
    case 'SCMP_ACT_ERRNO':
      return ACTION.errno | errno
    case 'SCMP_ACT_KILL':
    case 'SCMP_ACT_KILL_THREAD':
      return ACTION.killThread
    case 'SCMP_ACT_KILL_PROCESS':
      return ACTION.kill
    case 'SCMP_ACT_LOG':
      return LOG
    case 'SCMP_ACT_TRACE':
      return ACTION.trace | errno
    case 'SCMP_ACT_TRAP':
      return ACTION.trap
  }
}

function ret(k: number): Instruction {
  return op(CODE.return, k)
}

function op(code: number, k: number, jt = 0, jf = 0): Instruction {
  return { code, jt, jf, k }
}

function encode(program: Block): Uint8Array {
  const bytes = new Uint8Array(program.length * 8)
  const view = new DataView(bytes.buffer)
  program.forEach(({ code, jt, jf, k }, index) => {
    view.setUint16(index * 8, code, true)
    view.setUint8(index * 8 + 2, jt)
    view.setUint8(index * 8 + 3, jf)
    view.setUint32(index * 8 + 4, k >>> 0, true)
  })
  return bytes
}
