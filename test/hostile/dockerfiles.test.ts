import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { bench } from './bench.ts'

const FROM = 'FROM scratch\n'

interface Row {
  readonly what: string
  readonly text: () => string
  /** What is said when it is refused; without it the image is built. */
  readonly refused?: RegExp
}

const ROWS: readonly Row[] = [
  { what: '10 MB of comments', text: () => FROM + `# ${'c'.repeat(97)}\n`.repeat(100_000) },
  { what: '100,000 lines', text: () => FROM + 'ENV a=1\n'.repeat(1000) + '\n'.repeat(99_000) },
  {
    what: '100,000 instructions of another stage',
    text: () => `FROM scratch AS unused\n${'RUN x\n'.repeat(100_000)}${FROM}`,
  },
  { what: '10,000 stages', text: () => FROM.repeat(10_000) },
  {
    what: '10,000 stages, each on the one before',
    text: () =>
      Array.from({ length: 10_000 }, (_, i) => `FROM ${i === 0 ? 'scratch' : `s${i - 1}`} AS s${i}\n`).join(''),
  },
  {
    what: '10,000 stages in a ring',
    text: () =>
      Array.from({ length: 10_000 }, (_, i) => `FROM scratch AS s${i}\nCOPY --from=s${(i + 1) % 10_000} / /\n`).join(
        '',
      ),
    refused: /circular dependency detected on stage: s\d+/,
  },
  { what: 'a line of 10 MB', text: () => `${FROM}LABEL a=${'x'.repeat(10_000_000)}`, refused: /line greater than max/ },
  {
    what: 'a directive of 10 MB',
    text: () => `# escape=a${' '.repeat(10_000_000)}b\n${FROM}`,
    refused: /escape|line greater/,
  },
  { what: 'an instruction of 100,000 lines', text: () => `${FROM}LABEL a=1${' \\\n b=2'.repeat(100_000)}` },
  { what: '10,000 here-documents', text: () => `FROM scratch AS unused\n${'RUN <<E\nx\nE\n'.repeat(10_000)}${FROM}` },
  {
    what: 'a here-document without an end',
    text: () => `${FROM}COPY <<E /x\n${'x\n'.repeat(100_000)}`,
    refused: /unterminated heredoc/,
  },
  {
    what: 'a substitution nested 5,000 deep',
    text: () => `${FROM}ENV a=${'${a:-'.repeat(5000)}x${'}'.repeat(5000)}`,
    refused: /nested substitutions/,
  },
  {
    what: 'arguments that double sixty times',
    text: () => `ARG a=xx\n${'ARG a=$a$a\n'.repeat(60)}${FROM}`,
    refused: /expands to more than/,
  },
  {
    what: 'variables that double sixty times',
    text: () => `${FROM}ENV a=xx\n${'ENV a=$a$a\n'.repeat(60)}`,
    refused: /expands to more than/,
  },
  { what: 'NUL bytes', text: () => `${FROM}LABEL a="\0"\n\0\n`, refused: /unknown instruction/ },
  { what: 'nothing but NUL bytes', text: () => '\0'.repeat(1_000_000), refused: /Dockerfile|line greater/ },
]

for (const { what, text, refused } of ROWS) {
  test(`a Dockerfile with ${what}`, async t => {
    const { call, folder, checkOutside, checkStoreEmpty } = await bench(t)
    const context = join(folder, 'context')
    await mkdir(context)
    await writeFile(join(context, 'Dockerfile'), text())
    const { code, stderr } = await call(['build', '-t', 'hostile', context])
    if (refused === undefined) assert.equal(code, 0, stderr)
    else {
      assert.equal(code, 1, stderr.slice(0, 1000))
      assert.match(stderr, refused)
      assert.ok(stderr.length < 100_000, `${stderr.length} characters are too many to read`)
      await checkStoreEmpty()
    }
    await checkOutside()
  })
}

test('an image with ten thousand ONBUILD triggers that each double a variable', async t => {
  const { call, folder } = await bench(t)
  const context = join(folder, 'context')
  await mkdir(context)
  await writeFile(join(context, 'Dockerfile'), `${FROM}ENV a=xx\n${'ONBUILD ENV a=$a$a\n'.repeat(10_000)}`)
  assert.equal((await call(['build', '-t', 'base', context])).code, 0)
  await writeFile(join(context, 'Dockerfile'), 'FROM base\n')
  const { code, stderr } = await call(['build', context])
  assert.equal(code, 1)
  assert.match(stderr, /expands to more than/)
})
