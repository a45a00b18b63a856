// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are a Dockerfile's variables
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ShaleError } from '../error.ts'
import { expandArg, expandHeredoc, expandInstruction, expandWord, expandWords } from './expand.ts'
import { parseDockerfile, parseInstruction } from './parse.ts'

const VALUES: Readonly<Record<string, string>> = { a: 'one', b: 'two words', e: '', path: '/x/y.tar.gz', p: '80 443' }
const lookup = (name: string): string | undefined => VALUES[name]

const WORDS: readonly (readonly [string, string])[] = [
  ['$a-$none', 'one-'],
  ['${a}x', 'onex'],
  ['${none:-d}${e:-d}${e-d}', 'dd'],
  ['${a:+s}${e:+s}${e+s}${none+s}', 'ss'],
  ['${path##*/} ${path#*/} ${path%.*} ${path%%.*}', 'y.tar.gz x/y.tar.gz /x/y.tar /x/y'],
  ['${path/x/$a} ${path//[.]/}', '/one/y.tar.gz /x/y.tar.gz'],
  ['${path//./_}', '/x/y_tar_gz'],
  ['${none:-${a:-z}}', 'one'],
  ['"$a" \'$a\' \\$a', 'one $a $a'],
  ['a\\ b "c d"', 'a b c d'],
  ["${path//tar/'$&'}", '/x/y.$&.gz'],
  ['${a//*/X} ${a//?/X} ${a/?/X} ${a//n*/X}', 'X XXX Xne oX'],
  ['${a//z/X}${a///-}', 'one-o-n-e-'],
]

for (const [input, expected] of WORDS) {
  test(`expands ${input}`, () => assert.equal(expandWord(input, lookup).value, expected))
}

const BAD: readonly (readonly [string, RegExp])[] = [
  ['${a', /missing '}'/],
  ['${}', /bad substitution/],
  ['${a:=x}', /unsupported modifier \(:=\)/],
  ['${a:#x}', /unsupported modifier \(:#\)/],
  ['"x', /double-quote/],
  ["'x", /single-quote/],
  ['${none?}', /none: is not allowed to be unset/],
  ['${e:?}', /e: is not allowed to be empty/],
  ['${none:?give "it"}', /none: give it/],
  ['${a#\\x}', /invalid pattern/],
  ['${path//x}', /missing '\/' in \$\{\}/],
]

for (const [input, message] of BAD) {
  test(`rejects ${input}`, () => {
    assert.throws(() => expandWord(input, lookup), { code: 'DOCKERFILE_EXPANSION', message })
  })
}

test('neither deep nesting nor many stars do harm', () => {
  const deep = '${x:-'.repeat(5000) + '}'.repeat(5000)
  assert.throws(() => expandWord(deep, lookup), { code: 'DOCKERFILE_EXPANSION' })
  const value = 'a'.repeat(5000)
  assert.equal(expandWord(`\${x##${'*a'.repeat(30)}b}`, () => value).value, value)
})

test('names that were looked up are told apart by whether they are set', () => {
  const { matched, unmatched } = expandWord('$a ${none:-$other} ${e}', lookup)
  assert.deepEqual([...matched], ['a', 'e'])
  assert.deepEqual([...unmatched].sort(), ['none', 'other'])
})

test('options: escape character, raw quotes, variables that are not set left alone', () => {
  assert.equal(expandWord('`$a \\$a', lookup, { escape: '`' }).value, '$a \\one')
  assert.equal(expandWord('"$a" \'b\'', lookup, { rawQuotes: true }).value, '"one" \'b\'')
  const kept = expandWord('$none ${none} ${none:-x} $a', lookup, { skipUnset: true }).value
  assert.equal(kept, '$none ${none} ${none:-x} one')
})

test('words are split after expansion, except within quotes', () => {
  assert.deepEqual(expandWords('x$b "$b" \'\' y', lookup), ['xtwo', 'words', 'two words', 'y'])
})

test('the body of a here-document', () => {
  assert.equal(expandHeredoc('"$a" \'$a\' \\$a \\\\ \\\nz', lookup), '"one" \'one\' $a \\ \nz')
})

type Parsed = ReturnType<typeof parseInstruction>

const INSTRUCTIONS: readonly (readonly [string, (expanded: Parsed) => unknown, unknown])[] = [
  ['FROM --platform=$a $none${a}', i => i.kind === 'from' && [i.image, i.platform], ['one', 'one']],
  ['ENV $a="$b" y=\'$a\'', i => i.kind === 'env' && i.pairs.map(p => `${p.key}=${p.value}`), ['one=two words', 'y=$a']],
  ['ENV k $b "q"', i => i.kind === 'env' && i.pairs[0]?.value, 'two words q'],
  ['LABEL x=$a', i => i.kind === 'label' && i.pairs[0]?.value, 'one'],
  ['ARG x=${none:-$a} y', i => i.kind === 'arg' && i.args.map(arg => arg.value), ['one', undefined]],
  ['COPY --chown=$a:$a --chmod=$a $a /', i => i.kind === 'copy' && [i.chown, i.chmod], ['one:one', 'one']],
  [
    'COPY --exclude=$a $a "b" $e',
    i => i.kind === 'copy' && [i.exclude, i.sources, i.destination],
    [['$a'], ['one', 'b'], ''],
  ],
  ['COPY <<A <<"B" /\n$a\nA\n$a\nB', i => i.kind === 'copy' && i.inline.map(h => h.content), ['one\n', '$a\n']],
  ['ADD --checksum=$a $b /', i => i.kind === 'add' && [i.checksum, i.sources], ['one', ['two words']]],
  ['EXPOSE $p 1', i => i.kind === 'expose' && i.ports, ['80', '443', '1']],
  ['VOLUME $a "x"', i => i.kind === 'volume' && i.paths, ['one', 'x']],
  ['WORKDIR /$a', i => i.kind === 'workdir' && i.path, '/one'],
  ['USER $a', i => i.kind === 'user' && i.user, 'one'],
  ['STOPSIGNAL $a', i => i.kind === 'stopsignal' && i.signal, 'one'],
  [
    'RUN --mount=target=/$a echo $a',
    i => i.kind === 'run' && [i.mounts[0]?.options[0]?.value, i.command],
    ['/one', 'echo $a'],
  ],
  ['CMD ["$a"]', i => i.kind === 'cmd' && i.args, ['$a']],
  ['ENTRYPOINT $a', i => i.kind === 'entrypoint' && i.command, '$a'],
  ['HEALTHCHECK CMD $a', i => i.kind === 'healthcheck' && !i.none && i.command, '$a'],
  ['SHELL ["$a"]', i => i.kind === 'shell' && i.args, ['$a']],
  ['ONBUILD USER $a', i => i.kind === 'onbuild' && i.expression, 'USER $a'],
  ['MAINTAINER $a', i => i.kind === 'maintainer' && i.name, '$a'],
]

for (const [text, pick, expected] of INSTRUCTIONS) {
  test(`expands the words of ${JSON.stringify(text)}`, () => {
    assert.deepEqual(pick(expandInstruction(parseInstruction(text), lookup)), expected)
  })
}

test('one argument at a time, so that later ones see earlier ones', () => {
  const instruction = parseInstruction('ARG x=1 y=$x')
  assert.ok(instruction.kind === 'arg')
  const known = new Map<string, string>()
  for (const arg of instruction.args) {
    const { key, value } = expandArg(arg, name => known.get(name))
    known.set(key, value ?? '')
  }
  assert.equal(known.get('y'), '1')
})

test('errors point at the word', () => {
  const dockerfile = parseDockerfile('FROM a\nCOPY x \\\n  ${none:?nosuch} /', { file: 'f' })
  assert.throws(
    () => expandInstruction(dockerfile.stages[0]!.instructions[0]!, lookup, dockerfile.escape, dockerfile),
    (error: unknown) => {
      assert.ok(error instanceof ShaleError)
      assert.match(error.message, /none: nosuch/)
      assert.deepEqual(error.source?.range.start, { line: 3, column: 3 })
      return true
    },
  )
})

test('a base name that comes out blank', () => {
  const dockerfile = parseDockerfile('FROM ${none} AS x')
  assert.throws(() => expandInstruction(dockerfile.stages[0]!.from, lookup, '\\', dockerfile), {
    message: 'base name (${none}) should not be blank',
  })
})
