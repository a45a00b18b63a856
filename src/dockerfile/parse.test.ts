import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Instruction, InstructionKind } from './instruction.ts'
import { parseDockerfile, parseInstruction, parseInstructions } from './parse.ts'

/** An instruction without what every instruction has, and without ranges. */
function meaning(instruction: Instruction): Readonly<Record<string, unknown>> {
  const left = new Set(['range', 'keyword', 'keywordRange', 'flags', 'raw', 'text', 'doc', 'order', 'sourceRanges'])
  const strip = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(strip)
    if (typeof value !== 'object' || value === null) return value
    const members = Object.entries(value).filter(([key, member]) => !key.endsWith('ange') && member !== undefined)
    return Object.fromEntries(members.map(([key, member]) => [key, strip(member)]))
  }
  const own = Object.entries(instruction).filter(([key]) => !left.has(key) && !key.endsWith('Range'))
  return strip(Object.fromEntries(own)) as Readonly<Record<string, unknown>>
}

const shell = (command: string) => ({ form: 'shell', command, args: [] })
const exec = (...args: string[]) => ({ form: 'exec', command: args.join(' '), args })
const run = { kind: 'run', heredocs: [], mounts: [], devices: [] }
const copy = { kind: 'copy', inline: [], link: false, parents: false, exclude: [] }
const add = { kind: 'add', inline: [], link: false, exclude: [] }

const CASES: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
  ['FROM debian', { kind: 'from', image: 'debian' }],
  [
    'from --platform=$BUILDPLATFORM debian:13 as Build',
    { kind: 'from', image: 'debian:13', platform: '$BUILDPLATFORM', stageName: 'build', asKeyword: 'as' },
  ],
  ['RUN make  all', { ...run, ...shell('make  all') }],
  ['RUN ["make", "all"]', { ...run, ...exec('make', 'all') }],
  ['RUN ["make", all]', { ...run, ...shell('["make", all]') }],
  ['RUN', { ...run, ...shell('') }],
  ['RUN --network=none --security=insecure id', { ...run, ...shell('id'), network: 'none', security: 'insecure' }],
  [
    'RUN --device=vendor/gpu=0,required id',
    { ...run, ...shell('id'), devices: [{ name: 'vendor/gpu=0', required: true }] },
  ],
  ['COPY a b /c/', { ...copy, sources: ['a', 'b'], destination: '/c/' }],
  ['COPY ["a b", "/c d/"]', { ...copy, sources: ['a b'], destination: '/c d/' }],
  [
    'COPY --from=build --chown=1:2 --chmod=u+x --link --parents --exclude=*.o --exclude=x a /',
    {
      ...copy,
      sources: ['a'],
      destination: '/',
      from: 'build',
      chown: '1:2',
      chmod: 'u+x',
      link: true,
      parents: true,
      exclude: ['*.o', 'x'],
    },
  ],
  ['COPY --link=false --parents=TRUE a /', { ...copy, sources: ['a'], destination: '/', parents: true }],
  ['ADD http://x/y /z', { ...add, sources: ['http://x/y'], destination: '/z' }],
  [
    'ADD --checksum=sha256:0 --keep-git-dir=true --unpack=false a /',
    { ...add, sources: ['a'], destination: '/', checksum: 'sha256:0', keepGitDir: true, unpack: false },
  ],
  [
    'ENV a=1 b="x y" c=x\\ y',
    {
      kind: 'env',
      legacy: false,
      pairs: [
        { key: 'a', value: '1' },
        { key: 'b', value: '"x y"' },
        { key: 'c', value: 'x\\ y' },
      ],
    },
  ],
  ['ENV a  b = c', { kind: 'env', legacy: true, pairs: [{ key: 'a', value: 'b = c' }] }],
  [
    'LABEL a.b="c" d=',
    {
      kind: 'label',
      legacy: false,
      pairs: [
        { key: 'a.b', value: '"c"' },
        { key: 'd', value: '' },
      ],
    },
  ],
  [
    'ARG a b=1 c="x y" d=',
    {
      kind: 'arg',
      args: [{ key: 'a' }, { key: 'b', value: '1' }, { key: 'c', value: '"x y"' }, { key: 'd', value: '' }],
    },
  ],
  ['WORKDIR /a b', { kind: 'workdir', path: '/a b' }],
  ['USER www:www', { kind: 'user', user: 'www:www' }],
  ['EXPOSE 80 443/tcp $PORT', { kind: 'expose', ports: ['80', '443/tcp', '$PORT'] }],
  ['VOLUME /a /b', { kind: 'volume', form: 'words', paths: ['/a', '/b'] }],
  ['VOLUME ["/a b"]', { kind: 'volume', form: 'exec', paths: ['/a b'] }],
  ['STOPSIGNAL SIGINT', { kind: 'stopsignal', signal: 'SIGINT' }],
  ['HEALTHCHECK NONE', { kind: 'healthcheck', none: true }],
  ['HEALTHCHECK cmd curl -f x', { kind: 'healthcheck', none: false, ...shell('curl -f x') }],
  [
    'HEALTHCHECK --interval=1m30s --timeout=1.5s --start-period=0 --start-interval=10ms --retries=3 CMD ["a"]',
    {
      kind: 'healthcheck',
      none: false,
      ...exec('a'),
      interval: 90e9,
      timeout: 1.5e9,
      startPeriod: 0,
      startInterval: 1e7,
      retries: 3,
    },
  ],
  ['SHELL ["/bin/bash", "-c"]', { kind: 'shell', args: ['/bin/bash', '-c'] }],
  ['ENTRYPOINT ["a", "b"]', { kind: 'entrypoint', ...exec('a', 'b') }],
  ['ENTRYPOINT []', { kind: 'entrypoint', ...exec() }],
  ['CMD a && b', { kind: 'cmd', ...shell('a && b') }],
  ['MAINTAINER Jo <jo@x.org>', { kind: 'maintainer', name: 'Jo <jo@x.org>' }],
  ['ONBUILD  RUN  a', { kind: 'onbuild', expression: 'RUN  a', trigger: { ...run, ...shell('a') } }],
  [
    'onbuild copy . /app',
    { kind: 'onbuild', expression: 'copy . /app', trigger: { ...copy, sources: ['.'], destination: '/app' } },
  ],
]

for (const [text, expected] of CASES) {
  test(`parses ${text}`, () => {
    const found = { ...meaning(parseInstruction(text)) }
    if (found.kind === 'onbuild') {
      const instruction = parseInstruction(text)
      assert.ok(instruction.kind === 'onbuild')
      found.trigger = meaning(instruction.trigger)
    }
    assert.deepEqual(found, expected)
  })
}

test('the table has every kind of instruction', () => {
  const kinds: readonly InstructionKind[] = [
    ...(['from', 'run', 'copy', 'add', 'env', 'label', 'arg', 'workdir', 'user', 'expose'] as const),
    ...(['volume', 'stopsignal', 'healthcheck', 'shell', 'entrypoint', 'cmd', 'onbuild', 'maintainer'] as const),
  ]
  assert.deepEqual(new Set(CASES.map(([, { kind }]) => kind)), new Set(kinds))
})

const APP = `\ufeff# syntax=docker/dockerfile:1
# check=skip=all

ARG VERSION=1
ARG BASE

# build compiles
FROM debian:$VERSION AS Build
COPY <<EOF \\
  a.txt b/ # not a comment
hello
EOF

RUN --mount=type=cache,target=/c,id="x" \\
    # a comment within
    make \\

    all
FROM $BASE
CMD ["x"]`

test('a whole file: directives, global arguments, stages', () => {
  const parsed = parseDockerfile(APP)
  assert.deepEqual(
    parsed.directives.map(({ name, value }) => `${name}=${value}`),
    ['syntax=docker/dockerfile:1', 'check=skip=all'],
  )
  const globals = parsed.metaArgs.flatMap(({ args }) => args.map(({ key, value }) => [key, value]))
  assert.deepEqual(globals, [
    ['VERSION', '1'],
    ['BASE', undefined],
  ])
  const [build, last] = parsed.stages
  assert.deepEqual([build?.name, build?.originalName, build?.doc, build?.index], ['build', 'Build', 'compiles', 0])
  assert.deepEqual([last?.name, last?.doc, last?.index], [undefined, undefined, 1])
  assert.deepEqual(
    parsed.instructions.map(({ kind }) => kind),
    ['arg', 'arg', 'from', 'copy', 'run', 'from', 'cmd'],
  )
  assert.equal(parsed.warnings.length, 1)
  assert.equal(parsed.warnings[0]?.range.start.line, 18)
})

test('text, source text and ranges of a continued instruction', () => {
  const [copied, ran] = parseDockerfile(APP).stages[0]!.instructions
  assert.equal(copied?.text, 'COPY <<EOF   a.txt b/ # not a comment')
  assert.equal(copied?.raw, 'COPY <<EOF \\\n  a.txt b/ # not a comment\nhello\nEOF')
  assert.deepEqual(copied?.range, { start: { line: 9, column: 1 }, end: { line: 12, column: 4 } })
  assert.equal(ran?.text, 'RUN --mount=type=cache,target=/c,id="x"     make     all')
  assert.ok(ran?.kind === 'run')
  assert.equal(ran.command, 'make     all')
  assert.deepEqual(ran.range, { start: { line: 14, column: 1 }, end: { line: 18, column: 8 } })
})

test('here-documents of COPY keep their place among the sources', () => {
  const copied = parseInstruction('COPY a <<-X <<"Y" b /d/\n\tone\n\tX\ntwo $v\nY\n')
  assert.ok(copied.kind === 'copy')
  const names = copied.order.map(source => (source.kind === 'path' ? source.path : `<<${source.heredoc.name}`))
  assert.deepEqual(names, ['a', '<<X', '<<Y', 'b'])
  assert.deepEqual(
    copied.inline.map(({ content, expand }) => [content, expand]),
    [
      ['one\n', true],
      ['two $v\n', false],
    ],
  )
})

test('CRLF line endings', () => {
  const { stages } = parseDockerfile('FROM a\r\nRUN x \\\r\n  y\r\nCOPY <<E /f\r\nbody\r\nE\r\n')
  const [ran, copied] = stages[0]!.instructions
  assert.ok(ran?.kind === 'run' && copied?.kind === 'copy')
  assert.equal(ran.command, 'x   y')
  assert.equal(copied.inline[0]?.content, 'body\r\n')
})

test('a custom escape character', () => {
  const { escape: escapeChar, stages } = parseDockerfile('# escape=`\nFROM a\nRUN dir C:\\ `\n  /b\nENV p=a` b')
  assert.equal(escapeChar, '`')
  const [ran, env] = stages[0]!.instructions
  assert.ok(ran?.kind === 'run' && env?.kind === 'env')
  assert.equal(ran.command, 'dir C:\\   /b')
  assert.equal(env.pairs[0]?.value, 'a` b')
})

test('an escaped escape character at the end of a line does not continue it', () => {
  const { stages } = parseDockerfile('FROM a\nRUN x \\\\\nRUN y')
  assert.equal(stages[0]?.instructions.length, 2)
})

test('an ONBUILD trigger out of an image config, with its here-document', () => {
  const parsed = parseInstruction('ONBUILD RUN <<EOF\necho "hi"\nEOF')
  assert.ok(parsed.kind === 'onbuild')
  assert.equal(parsed.expression, 'RUN <<EOF\necho "hi"\nEOF')
  const trigger = parseInstruction(parsed.expression)
  assert.ok(trigger.kind === 'run')
  assert.equal(trigger.heredocs[0]?.content, 'echo "hi"\n')
  assert.equal(trigger.text, parsed.trigger.text)
})

test('a line of 65,535 bytes is taken, a longer one is not', () => {
  const line = (length: number): string => `RUN ${'a'.repeat(length - 4)}`
  assert.equal(parseDockerfile(`FROM a\n${line(65_535)}\n`).instructions.length, 2)
  assert.throws(() => parseDockerfile(`FROM a\n${line(65_536)}\n`), {
    message: 'dockerfile line greater than max allowed size of 65535',
  })
})

test('comments above an instruction are its doc', () => {
  const { stages } = parseDockerfile('FROM a\n# one\n#\n# two\n# three\nRUN x\nRUN y')
  assert.deepEqual(
    stages[0]?.instructions.map(({ doc }) => doc),
    ['two\nthree', undefined],
  )
})

test('instructions without a FROM', () => {
  const kinds = parseInstructions('RUN a\nCOPY b c').map(({ kind }) => kind)
  assert.deepEqual(kinds, ['run', 'copy'])
})

test('a long chain of ONBUILD is an error, not a crash', () => {
  const chain = `FROM a\nONBUILD ${'ONBUILD \\\n'.repeat(50_000)} RUN x`
  assert.throws(() => parseDockerfile(chain), { code: 'DOCKERFILE_SYNTAX' })
})
