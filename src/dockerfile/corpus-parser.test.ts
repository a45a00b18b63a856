import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { ShaleError } from '../error.ts'
import { corpusJson, corpusPath, corpusText, goQuote, withCorpus } from './corpus.test-helper.ts'
import { detectDirective, detectSyntax, readDirectives } from './directives.ts'
import { Failure } from './failure.ts'
import { chompTabs, type Heredoc, heredocsOfLine, parseHeredocWord } from './heredoc.ts'
import type { Node } from './node.ts'
import { parseNodes } from './nodes.ts'
import { parseDockerfile, parseInstruction } from './parse.ts'
import { LineJoiner, physicalLines } from './source.ts'
import { jsonWords, splitQuoted } from './words.ts'

interface Extra {
  readonly heredocExtract: { readonly dockerfile: string; readonly heredocs: readonly (readonly Heredoc[])[] }
  readonly heredocsFromLine: readonly { readonly line: string; readonly names: readonly string[] }[]
  readonly heredocWords: Readonly<Record<string, readonly string[]>>
  readonly heredocJsonForm: { readonly dockerfile: string }
  readonly heredocChomp: { readonly in: string; readonly out: string }
  readonly copyHeredoc: readonly {
    readonly dockerfile: string
    readonly dest: string
    readonly sources: readonly string[]
    readonly contents: readonly { readonly path: string; readonly data: string; readonly expand: boolean }[]
  }[]
  readonly runHeredoc: readonly {
    readonly dockerfile: string
    readonly shell: boolean
    readonly command: readonly string[]
    readonly files: readonly { readonly name: string; readonly data: string; readonly chomp: boolean }[]
  }[]
  readonly instructionErrors: readonly { readonly dockerfile: string; readonly errorContains: string }[]
  readonly jsonArrays: {
    readonly invalid: readonly string[]
    readonly valid: readonly { readonly input: string; readonly expected: readonly string[] }[]
  }
  readonly parseWords: readonly { readonly input: string; readonly expect: readonly string[] }[]
  readonly emptyContinuation: { readonly dockerfile: string; readonly warnings: readonly string[] }
  readonly lineNumbers: {
    readonly file: string
    readonly rootStartLine: number
    readonly rootEndLine: number
    readonly children: readonly (readonly [number, number])[]
  }
  readonly docComments: {
    readonly dockerfile: string
    readonly metaArgs: readonly Doc[]
    readonly stage0Doc: string
    readonly stage0Args: readonly (readonly Doc[])[]
  }
  readonly directives: readonly {
    readonly text: string
    readonly parsed: readonly { readonly name: string; readonly value: string }[]
  }[]
  readonly detectSyntax: readonly Detection[]
  readonly checkDirective: readonly Detection[]
}

interface Doc {
  readonly key: string
  readonly doc: string
}

interface Detection {
  readonly text: string
  readonly ok: boolean
  readonly ref?: string
  readonly cmdline?: string
  readonly line?: number
}

const extra = (): Extra => corpusJson<Extra>('parser/extra.json')

function dump({ keyword, flags, args, child }: Node): string {
  const parts = [keyword.text.toLowerCase()]
  if (flags.length > 0) parts.push(`[${flags.map(({ text }) => goQuote(text)).join(' ')}]`)
  if (child !== undefined) parts.push(`(${dump(child)})`)
  return parts.concat(args.map(({ text }) => goQuote(text))).join(' ')
}

test('golden files: nodes dump as expected', withCorpus, t => {
  const names = readdirSync(corpusPath('parser/testfiles'))
  for (const name of names) {
    const { nodes } = parseNodes(corpusText(`parser/testfiles/${name}/Dockerfile`))
    const dumped = nodes.map(node => `(${dump(node)})\n`).join('')
    assert.equal(dumped, corpusText(`parser/testfiles/${name}/result`), name)
  }
  t.diagnostic(`${names.length} cases`)
  assert.ok(names.length >= 20)
})

test('negative files fail', withCorpus, t => {
  const names = readdirSync(corpusPath('parser/testfiles-negative'))
  for (const name of names) {
    assert.throws(() => parseDockerfile(corpusText(`parser/testfiles-negative/${name}/Dockerfile`)), ShaleError, name)
  }
  t.diagnostic(`${names.length} cases`)
  assert.ok(names.length >= 1)
})

test('line numbers', withCorpus, () => {
  const expected = extra().lineNumbers
  const { nodes } = parseNodes(corpusText(`parser/${expected.file}`))
  assert.deepEqual(
    nodes.map(({ startLine, endLine }) => [startLine, endLine]),
    expected.children,
  )
  assert.deepEqual([nodes[0]?.startLine, nodes.at(-1)?.endLine], [expected.rootStartLine, expected.rootEndLine])
})

test('here-documents of a whole file', withCorpus, () => {
  const { dockerfile, heredocs } = extra().heredocExtract
  const { nodes } = parseNodes(dockerfile)
  assert.equal(nodes.length, heredocs.length + 1)
  heredocs.forEach((expected, index) => {
    const found = nodes[index + 1]!
    const sorted = expected.map(({ name, content, expand, chomp, fd }) => ({ name, expand, chomp, fd, content }))
    assert.deepEqual(found.heredocs, sorted, found.raw)
  })
})

test('here-document words', withCorpus, t => {
  const data = extra()
  for (const { line, names } of data.heredocsFromLine) {
    assert.deepEqual(
      heredocsOfLine(line).map(({ name }) => name),
      names,
      line,
    )
  }
  for (const word of data.heredocWords['valid (name is EOF)']!) assert.equal(parseHeredocWord(word)?.name, 'EOF', word)
  for (const word of data.heredocWords.notHeredoc!) assert.equal(parseHeredocWord(word), undefined, word)
  for (const word of data.heredocWords.error!) assert.throws(() => parseHeredocWord(word), Failure, word)
  for (const node of parseNodes(data.heredocJsonForm.dockerfile).nodes) assert.deepEqual(node.heredocs, [])
  assert.equal(chompTabs(data.heredocChomp.in), data.heredocChomp.out)
  const count = data.heredocsFromLine.length + Object.values(data.heredocWords).flat().length
  t.diagnostic(`${count} cases`)
  assert.ok(count >= 30)
})

test('here-documents of COPY and RUN', withCorpus, t => {
  const data = extra()
  for (const { dockerfile, dest, sources, contents } of data.copyHeredoc) {
    const copy = parseInstruction(dockerfile)
    assert.ok(copy.kind === 'copy')
    assert.equal(copy.destination, dest)
    assert.deepEqual(copy.sources, sources)
    const inline = copy.inline.map(({ name, content, expand }) => ({ path: name, data: content, expand }))
    assert.deepEqual(inline, contents)
  }
  for (const { dockerfile, shell, command, files } of data.runHeredoc) {
    const run = parseInstruction(dockerfile)
    assert.ok(run.kind === 'run')
    assert.equal(run.form, shell ? 'shell' : 'exec')
    assert.deepEqual(shell ? [run.command] : run.args, command)
    const found = run.heredocs.map(({ name, content, chomp }) => ({ name, data: content, chomp }))
    assert.deepEqual(found, files)
  }
  const count = data.copyHeredoc.length + data.runHeredoc.length
  t.diagnostic(`${count} cases`)
  assert.ok(count >= 14)
})

test('instruction errors', withCorpus, t => {
  const cases = extra().instructionErrors
  for (const { dockerfile, errorContains } of cases) {
    assert.throws(
      () => parseDockerfile(dockerfile),
      (error: unknown) => {
        assert.ok(error instanceof ShaleError)
        assert.ok(error.message.includes(errorContains), `${error.message} lacks ${errorContains}`)
        assert.ok(error.source !== undefined)
        return true
      },
    )
  }
  t.diagnostic(`${cases.length} cases`)
  assert.ok(cases.length >= 19)
})

test('JSON arrays and words', withCorpus, t => {
  const data = extra()
  const joiner = new LineJoiner()
  const line = joiner.join()
  for (const { input, expected } of data.jsonArrays.valid) {
    const words = jsonWords({ text: input, start: 0, end: input.length }, line)
    assert.deepEqual(
      words?.map(({ text }) => text),
      expected,
    )
  }
  for (const { input, expect } of data.parseWords) {
    const words = splitQuoted({ text: input, start: 0, end: input.length }, '\\')
    assert.deepEqual(
      words.map(({ text }) => text),
      expect,
    )
  }
  const count = data.jsonArrays.valid.length + data.parseWords.length
  t.diagnostic(`${count} cases`)
  assert.ok(count >= 16)
})

test('empty continuation lines are warned of', withCorpus, () => {
  const { warnings } = parseNodes(extra().emptyContinuation.dockerfile)
  assert.deepEqual(
    warnings.map(({ message }) => message.replace(/ +/g, ' ')),
    [
      'Empty continuation line found in: RUN something following more',
      'Empty continuation line found in: RUN another thing',
    ],
  )
})

test('comments describe stages and arguments', withCorpus, () => {
  const { dockerfile, metaArgs, stage0Doc, stage0Args } = extra().docComments
  const parsed = parseDockerfile(dockerfile)
  const docs = (args: readonly { readonly key: string; readonly doc?: string | undefined }[]) =>
    args.map(({ key, doc }) => ({ key, doc: doc ?? '' }))
  assert.deepEqual(docs(parsed.metaArgs.flatMap(({ args }) => args)), metaArgs)
  assert.equal(parsed.stages[0]?.doc, stage0Doc)
  const inStage = parsed.stages[0]!.instructions.filter(instruction => instruction.kind === 'arg')
  assert.deepEqual(
    inStage.map(({ args }) => docs(args)),
    stage0Args,
  )
})

test('directives', withCorpus, t => {
  const data = extra()
  for (const { text, parsed } of data.directives) {
    const found = readDirectives(physicalLines(text)).map(({ name, value }) => ({ name, value }))
    assert.deepEqual(found, parsed)
  }
  const detections = [
    ...data.detectSyntax.map(row => ({ row, found: detectSyntax(row.text) })),
    ...data.checkDirective.map(row => ({ row, found: detectDirective('check', row.text) })),
  ]
  for (const { row, found } of detections) {
    assert.equal(found !== undefined, row.ok, row.text)
    assert.equal(found?.ref, row.ref)
    if (row.cmdline !== undefined) assert.equal(found?.commandLine, row.cmdline)
    if (row.line !== undefined) assert.equal(found?.line, row.line)
  }
  const count = data.directives.length + detections.length
  t.diagnostic(`${count} cases`)
  assert.ok(count >= 17)
})

interface RealFile {
  readonly file: string
  readonly kind: string
}

/** Real Dockerfiles that Docker rejects too, each with what it says. */
const REJECTED: Readonly<Record<string, string>> = {}

test('every real Dockerfile parses', withCorpus, t => {
  const files = corpusJson<readonly RealFile[]>('real/index.json').filter(({ kind }) => kind === 'dockerfile')
  let instructions = 0
  for (const { file } of files) {
    const text = corpusText(`real/${file}`)
    const reason = REJECTED[file]
    if (reason !== undefined) {
      assert.throws(() => parseDockerfile(text, { file }), { message: reason })
      continue
    }
    const parsed = parseDockerfile(text, { file })
    instructions += parsed.instructions.length
    const lines = parsed.text.split('\n')
    for (const { keyword, keywordRange, range, raw } of parsed.instructions) {
      const line = lines[keywordRange.start.line - 1]!
      assert.equal(line.slice(keywordRange.start.column - 1, keywordRange.end.column - 1), keyword, file)
      assert.deepEqual(range.start, keywordRange.start)
      assert.ok(raw.startsWith(keyword))
      const last = raw.split('\n').at(-1)!
      assert.ok(lines[range.end.line - 1]!.slice(0, range.end.column - 1).endsWith(last), file)
    }
  }
  t.diagnostic(`${files.length} files, ${instructions} instructions`)
  assert.ok(files.length >= 123)
})
