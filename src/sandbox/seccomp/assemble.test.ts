import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CAPABILITIES, DEFAULT_CAPABILITIES } from '../capabilities.ts'
import { assembleFilter } from './assemble.ts'
import { DEFAULT_PROFILE } from './default-profile.ts'
import { filterArchs } from './numbers.ts'
import { PREBUILT } from './prebuilt.ts'
import { resolveProfile } from './resolve.ts'
import type { SeccompArg, SeccompProfile } from './spec.ts'

const ALLOW = 'allow'
const EPERM = 'errno 1'
const ENOSYS = 'errno 38'
const KILL = 'kill'

interface Call {
  readonly audit: number
  readonly number: number
  readonly args: readonly bigint[]
}

/** What the kernel does with the program. Source: Documentation/networking/filter.rst, for the codes that we emit. */
function verdict(program: Uint8Array, { audit, number, args }: Call): string {
  const data = new DataView(new ArrayBuffer(64))
  data.setInt32(0, number, true)
  data.setUint32(4, audit, true)
  args.forEach((arg, index) => {
    data.setBigUint64(16 + 8 * index, arg, true)
  })
  const code = new DataView(program.buffer, program.byteOffset)
  let accumulator = 0
  for (let at = 0; ; at++) {
    assert.ok(at * 8 < program.length, 'ran past the end')
    const k = code.getUint32(at * 8 + 4, true)
    const jump = (holds: boolean): number => code.getUint8(at * 8 + (holds ? 2 : 3))
    switch (code.getUint16(at * 8, true)) {
      case 0x20:
        accumulator = data.getUint32(k, true)
        break
      case 0x05:
        at += k
        break
      case 0x15:
        at += jump(accumulator === k)
        break
      case 0x25:
        at += jump(accumulator > k)
        break
      case 0x35:
        at += jump(accumulator >= k)
        break
      case 0x54:
        accumulator = (accumulator & k) >>> 0
        break
      case 0x06:
        return outcome(k)
      default:
        assert.fail(`unknown code at ${at}`)
    }
  }
}

function outcome(k: number): string {
  if (k === 0x7fff0000) return ALLOW
  if (k === 0x80000000) return KILL
  if (k === 0x7ffc0000) return 'log'
  return k >>> 16 === 5 ? `errno ${k & 0xffff}` : `0x${k.toString(16)}`
}

interface Machine {
  readonly machine: 'x64' | 'arm64'
  readonly capabilities?: readonly string[]
  readonly profile?: SeccompProfile
}

function filter({ machine, capabilities = DEFAULT_CAPABILITIES, profile = DEFAULT_PROFILE }: Machine) {
  const spec = resolveProfile(profile, { machine, capabilities, kernel: '6.1.0' })
  const program = assembleFilter(spec, machine) as Uint8Array
  const archs = filterArchs(machine)
  return {
    program,
    ask(name: string | number, args: readonly (number | bigint)[] = [], compat = false): string {
      const arch = archs[compat ? 1 : 0]
      const number = typeof name === 'number' ? name : arch?.numbers.get(name)
      assert.ok(arch !== undefined && number !== undefined, `${name} has a number`)
      return verdict(program, { audit: arch.audit, number, args: args.map(BigInt) })
    },
  }
}

const NEWUSER = 0x10000000
const SIGCHLD = 17

for (const machine of ['x64', 'arm64'] as const) {
  describe(`the default profile on ${machine}`, () => {
    const { ask, program } = filter({ machine })

    test('allows or refuses every call of the tables as its lists say, in both architectures', () => {
      const spec = resolveProfile(DEFAULT_PROFILE, { machine, capabilities: DEFAULT_CAPABILITIES, kernel: '6.1.0' })
      const plain = new Set(spec.syscalls.filter(rule => rule.args === undefined).flatMap(rule => rule.names))
      const conditional = new Set(spec.syscalls.filter(rule => rule.args !== undefined).flatMap(rule => rule.names))
      for (const arch of filterArchs(machine)) {
        const named = [...plain, ...conditional].flatMap(name => arch.numbers.get(name) ?? [])
        const newest = Math.max(...named.filter(number => number < 0x10000))
        for (const [name, number] of arch.numbers) {
          if (conditional.has(name)) continue
          const refused = number > newest ? ENOSYS : EPERM
          const expected = name === 'clone3' ? ENOSYS : plain.has(name) ? ALLOW : refused
          assert.equal(verdict(program, { audit: arch.audit, number, args: [] }), expected, `${arch.name} ${name}`)
        }
      }
    })

    for (const [name, args, expected] of [
      ['clone', [SIGCHLD], ALLOW],
      ['clone', [NEWUSER | SIGCHLD], EPERM],
      ['clone', [0x20000], EPERM],
      ['clone', [0x40000000], EPERM],
      // What lies above 32 bits is not a namespace.
      ['clone', [0x100000011n], ALLOW],
      ['clone3', [], ENOSYS],
      ['unshare', [NEWUSER], EPERM],
      ['mount', [], EPERM],
      ['keyctl', [], EPERM],
      ['bpf', [], EPERM],
      ['personality', [0], ALLOW],
      ['personality', [0xffffffff], ALLOW],
      ['personality', [0x20008], ALLOW],
      // ADDR_NO_RANDOMIZE
      ['personality', [0x40000], EPERM],
      ['personality', [0x100000000n], EPERM],
      ['socket', [2], ALLOW],
      ['socket', [11], ALLOW],
      ['socket', [12], EPERM],
      ['socket', [16], ALLOW],
      ['socket', [38], EPERM],
      ['socket', [40], EPERM],
      ['chroot', [], ALLOW],
      ['ptrace', [], ALLOW],
      ['open_by_handle_at', [], EPERM],
    ] as const) {
      test(`${name}(${args.map(arg => `0x${arg.toString(16)}`)}): ${expected}`, () => {
        assert.equal(ask(name, args), expected)
      })
    }

    test('a call that is newer than the profile is not there', () => {
      assert.equal(ask(5000), ENOSYS)
      assert.equal(ask(-1), ENOSYS)
    })

    test('a call in an unknown architecture ends the process', () => {
      assert.equal(verdict(program, { audit: 0xc0000016, number: 0, args: [] }), KILL)
    })

    for (const [capability, name] of [
      ['CAP_SYS_ADMIN', 'mount'],
      ['CAP_SYS_ADMIN', 'unshare'],
      ['CAP_SYS_ADMIN', 'clone3'],
      ['CAP_BPF', 'bpf'],
      ['CAP_SYS_MODULE', 'init_module'],
      ['CAP_SYS_TIME', 'clock_settime'],
      ['CAP_DAC_READ_SEARCH', 'open_by_handle_at'],
    ] as const) {
      test(`${capability} opens ${name}`, () => {
        const with_ = filter({ machine, capabilities: [...DEFAULT_CAPABILITIES, capability] })
        assert.equal(with_.ask(name, [NEWUSER]), ALLOW)
        assert.notEqual(ask(name, [NEWUSER]), ALLOW)
      })
    }

    test('with all capabilities, kexec and keyrings are still refused', () => {
      const all = filter({ machine, capabilities: CAPABILITIES })
      assert.equal(all.ask('kexec_load'), EPERM)
      assert.equal(all.ask('keyctl'), EPERM)
      assert.equal(all.ask('clone', [NEWUSER]), ALLOW)
    })
  })
}

for (const machine of ['x64', 'arm64'] as const) {
  test(`what is prebuilt for ${machine} is the default profile’s filter (else: node scripts/seccomp.ts)`, () => {
    assert.deepEqual(Buffer.from(PREBUILT[machine] ?? '', 'base64'), Buffer.from(filter({ machine }).program))
  })
}

test('x32 calls do not pass by the rules of x86-64', () => {
  assert.equal(filter({ machine: 'x64' }).ask(0x40000000 + 165), ENOSYS)
  const open: SeccompProfile = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [] }
  assert.equal(filter({ machine: 'x64', profile: open }).ask(0x40000000), ENOSYS)
})

test('no table, no filter', () => {
  const spec = resolveProfile(DEFAULT_PROFILE, { machine: 'riscv64', capabilities: [], kernel: '6.1.0' })
  assert.equal(assembleFilter(spec, 'riscv64'), undefined)
})

const BIG = 2 ** 32 + 5
const COMPARISONS: readonly (readonly [
  op: SeccompArg['op'],
  value: number,
  holds: readonly (number | bigint)[],
  fails: readonly (number | bigint)[],
])[] = [
  ['SCMP_CMP_EQ', BIG, [BIG], [5, BIG + 1, 2 ** 33 + 5]],
  ['SCMP_CMP_NE', BIG, [5, BIG + 1, 2 ** 33 + 5], [BIG]],
  ['SCMP_CMP_LT', BIG, [0, BIG - 1, 0xffffffff], [BIG, BIG + 1, 2 ** 33]],
  ['SCMP_CMP_LE', BIG, [0, BIG, 0xffffffff], [BIG + 1, 2 ** 33]],
  ['SCMP_CMP_GT', BIG, [BIG + 1, 2 ** 33, 0xffffffffffffffffn], [BIG, 0, 0xffffffff]],
  ['SCMP_CMP_GE', BIG, [BIG, BIG + 1, 2 ** 33], [BIG - 1, 0, 0xffffffff]],
]

for (const [op, value, holds, fails] of COMPARISONS) {
  test(`${op} compares 64 bits`, () => {
    const args = [{ index: 3, value, op }]
    const rule = { names: ['dup'], action: 'SCMP_ACT_ALLOW', args } as const
    const { ask } = filter({ machine: 'x64', profile: { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [rule] } })
    for (const arg of holds) assert.equal(ask('dup', [0, 0, 0, arg]), ALLOW, String(arg))
    for (const arg of fails) assert.equal(ask('dup', [0, 0, 0, arg]), EPERM, String(arg))
  })
}

test('conditions on several arguments all have to hold, two on one argument are alternatives', () => {
  const equal = (index: number, value: number): SeccompArg => ({ index, value, op: 'SCMP_CMP_EQ' })
  const { ask } = filter({
    machine: 'x64',
    profile: {
      defaultAction: 'SCMP_ACT_ERRNO',
      syscalls: [
        { names: ['dup'], action: 'SCMP_ACT_ALLOW', args: [equal(0, 1), equal(1, 2)] },
        { names: ['dup2'], action: 'SCMP_ACT_ALLOW', args: [equal(0, 1), equal(0, 2)] },
      ],
    },
  })
  assert.deepEqual(
    [ask('dup', [1, 2]), ask('dup', [1, 3]), ask('dup', [2, 2]), ask('dup2', [1]), ask('dup2', [2]), ask('dup2', [3])],
    [ALLOW, EPERM, EPERM, ALLOW, ALLOW, EPERM],
  )
})

test('a list of what is refused leaves the rest, new calls too', () => {
  const refuse = { names: ['mkdir'], action: 'SCMP_ACT_ERRNO', errnoRet: 13 } as const
  const { ask } = filter({ machine: 'x64', profile: { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [refuse] } })
  assert.deepEqual([ask('mkdir'), ask('mkdirat'), ask(5000)], ['errno 13', ALLOW, ALLOW])
})
