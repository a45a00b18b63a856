import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AnyCommand, command } from './command.ts'
import { boolean, list, text } from './flag.ts'
import { parseCommandLine } from './parse.ts'

const LIST = command({
  usage: '[OPTIONS] [NAME]',
  about: 'About.',
  examples: [],
  args: { min: 0, max: 1 },
  flags: {
    all: boolean('', { short: 'a' }),
    filter: list('', { short: 'f' }),
    format: text(''),
    human: boolean('', { short: 'H' }, true),
    mode: text('', { choices: ['auto', 'plain'] }),
    noTrunc: boolean(''),
    quiet: boolean('', { short: 'q' }),
  },
  run: async () => 0,
}) as AnyCommand

const RUN = {
  ...LIST,
  usage: '[OPTIONS] IMAGE [COMMAND]',
  args: { min: 1, max: Number.POSITIVE_INFINITY },
  passThrough: true,
  failure: 125,
} as AnyCommand

const GOOD: readonly (readonly [AnyCommand, string, readonly string[], Readonly<Record<string, unknown>>])[] = [
  [LIST, '', [], { all: false, noTrunc: false, human: true, filter: [], format: undefined }],
  [LIST, '-aq', [], { all: true, quiet: true }],
  [LIST, 'x -a', ['x'], { all: true }],
  [LIST, '--no-trunc', [], { noTrunc: true }],
  [LIST, '--no-trunc=false', [], { noTrunc: false }],
  [LIST, '--all=true --human=false', [], { all: true, human: false }],
  [LIST, '-f a=b --filter c=d --filter=e=f', [], { filter: ['a=b', 'c=d', 'e=f'] }],
  [LIST, '-fa=b', [], { filter: ['a=b'] }],
  [LIST, '-H=false -a=true', [], { all: true, human: false }],
  [LIST, '-aqH=0', [], { all: true, quiet: true, human: false }],
  [LIST, '-f=a=b -qf=c=d', [], { filter: ['a=b', 'c=d'], quiet: true }],
  [LIST, '-f a=b x', ['x'], { filter: ['a=b'] }],
  [RUN, '-a=false image -a=x', ['image', '-a=x'], { all: false }],
  [LIST, '--format --all', [], { format: '--all', all: false }],
  [LIST, '--format a --format b', [], { format: 'b' }],
  [LIST, '-- -a', ['-a'], { all: false }],
  [RUN, '-a image -a --all=false', ['image', '-a', '--all=false'], { all: true }],
  [RUN, '-f x image --help', ['image', '--help'], { filter: ['x'] }],
]

for (const [parsed, line, args, flags] of GOOD) {
  test(`${parsed.usage} ${line}`, () => {
    const result = parseCommandLine('list', parsed, line === '' ? [] : line.split(' '))
    assert.ok(result.kind === 'run')
    assert.deepEqual(result.args, args)
    for (const [key, value] of Object.entries(flags)) assert.deepEqual(result.flags[key], value, key)
  })
}

test('--help and -h ask for help', () => {
  for (const word of ['--help', '-h']) assert.equal(parseCommandLine('list', LIST, [word]).kind, 'help')
})

const BAD: readonly (readonly [AnyCommand, string, RegExp, number])[] = [
  [LIST, '--foo', /^unknown flag: --foo$/, 125],
  [LIST, '--al', /^unknown flag: --al$/, 125],
  [LIST, '-x', /^unknown shorthand flag: 'x' in -x$/, 125],
  [LIST, '--all=maybe', /^invalid argument "maybe" for "--all" flag: must be true or false$/, 125],
  [LIST, '-qa=', /^invalid argument "" for "--all" flag: must be true or false$/, 125],
  [LIST, '--format', /^flag needs an argument: --format$/, 125],
  [LIST, '--mode tyt', /^invalid argument "tyt" for "--mode" flag: must be one of auto, plain$/, 125],
  [LIST, 'a b', /^"shale list" requires at most 1 argument\.$/, 1],
  [RUN, '', /^"shale list" requires at least 1 argument\.$/, 125],
  [{ ...LIST, args: { min: 0, max: 0 } }, 'a', /^"shale list" accepts no arguments\.$/, 1],
  [{ ...LIST, args: { min: 2, max: 2 } }, 'a', /^"shale list" requires exactly 2 arguments\.$/, 1],
]

for (const [parsed, line, message, exitCode] of BAD) {
  test(`refuses ${JSON.stringify(line)}: ${message.source}`, () => {
    const words = line === '' ? [] : line.split(' ')
    assert.throws(() => parseCommandLine('list', parsed, words), { code: 'USAGE', message, exitCode })
  })
}

test('a mistyped flag names the near one, a flag of docker is named as such', () => {
  assert.throws(() => parseCommandLine('list', LIST, ['--fromat', 'x']), { advice: /^Did you mean --format\?/ })
  assert.throws(() => parseCommandLine('images', LIST, ['--tree']), { message: /^docker's --tree is not supported by/ })
})
