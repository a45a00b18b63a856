import assert from 'node:assert/strict'
import test from 'node:test'
import type { RunInstruction } from '../../dockerfile/instruction.ts'
import { parseInstruction } from '../../dockerfile/parse.ts'
import { parseScript } from './script.ts'
import { shellView } from './view.ts'

const COMMANDS: readonly (readonly [what: string, script: string, commands: readonly string[]])[] = [
  ['lists', 'a 1 && b 2 || c; d', ['a 1', 'b 2', 'c', 'd']],
  ['pipelines', 'a | b |& c', ['a', 'b', 'c']],
  ['quotes', `a "b c" 'd e' f\\ g`, ['a b c d e f g']],
  ['conditions and loops', 'if a; then b; else c; fi; for x in 1 2; do d $x; done', ['a', 'b', 'c', 'd $x']],
  ['cases', 'case "$(a)" in x) b;; *) c;; esac', ['a', 'b', 'c']],
  ['subshells, groups and functions', '(a); { b; }; f() { c; }; f', ['a', 'b', 'c', 'f']],
  ['substitutions', 'a "$(b c)" `d`', ['a $(b c) `d`', 'b c', 'd']],
  ['redirects', 'a >b 2>&1 <c d', ['a d']],
  ['here-documents', 'cat <<EOF >x\n$(a b)\nEOF\nc', ['cat', 'a b', 'c']],
  ['folders of programs', '/usr/bin/a b', ['a b']],
  ['assignments', 'A=1 B=2 a', ['a']],
  ['what sudo starts', 'sudo -u root A=1 a b', ['sudo -u root A=1 a b', 'a b']],
  ['what env starts', 'env -i A=1 a', ['env -i A=1 a', 'a']],
  ['what a shell starts', `bash -ec 'a && b c'`, ['bash -ec a && b c', 'a', 'b c']],
  ['what xargs starts', 'a | xargs -n 1 b -c', ['a', 'xargs -n 1 b -c', 'b -c']],
  ['a comment', 'a # b\nc', ['a', 'c']],
  ['an open quote', `a 'b`, ['a b']],
]

test('simple commands of scripts', async t => {
  for (const [what, script, commands] of COMMANDS) {
    await t.test(what, () => {
      const found = parseScript(script).commands.filter(({ name }) => name !== '')
      assert.deepEqual(
        found.map(({ name, args }) => [name, ...args.map(({ value }) => value)].join(' ')),
        commands,
      )
    })
  }
})

const VIEWS: readonly (readonly [what: string, text: string, places: readonly string[], escapeChar?: '`'])[] = [
  ['one line', 'RUN a b && c', ['a 1:5', 'c 1:12']],
  ['continued lines with comments', 'RUN a \\\n  # no\n\n   b && \\  \n c', ['a 1:5', 'c 5:2']],
  ['flags', 'RUN --mount=type=cache,target=/x \\\n  a', ['a 2:3']],
  ['a trigger', 'ONBUILD RUN a &&\\\n b', ['a 1:13', 'b 2:2']],
  ['a here-document', 'RUN <<EOF\na\n  b c\nEOF', ['a 2:1', 'b 3:3']],
  ['a here-document for a shell', 'RUN <<EOF\n#!/usr/bin/env bash\na\nEOF', ['a 3:1']],
  ['a here-document for another program', 'RUN <<EOF\n#!/usr/bin/python3\nimport a\nEOF', []],
  ['a here-document as input', 'RUN cat <<EOF >x && b\na\nEOF', ['cat 1:5', 'b 1:21']],
  ['backtick as escapeChar', 'RUN a `\n  && b', ['a 1:5', 'b 2:6'], '`'],
  ['carriage returns', 'RUN a && \\\r\n  b', ['a 1:5', 'b 2:3']],
  ['a JSON array', 'RUN ["a", "b"]', []],
]

test('commands of RUN and where they stand', async t => {
  for (const [what, text, places, escapeChar] of VIEWS) {
    await t.test(what, () => {
      const outer = escapeChar === undefined ? parseInstruction(text) : afterDirective(text)
      const run = (outer.kind === 'onbuild' ? outer.trigger : outer) as RunInstruction
      const view = shellView(outer, run, escapeChar ?? '\\')
      if (view !== undefined && escapeChar === undefined) assert.equal(view.text.length <= outer.raw.length, true)
      const found = view === undefined ? [] : parseScript(view.text).commands
      assert.deepEqual(
        found.map(({ name, start, end }) => {
          const at = view!.range(start, end).start
          return `${name} ${at.line - (escapeChar === undefined ? 0 : 1)}:${at.column}`
        }),
        places,
      )
    })
  }
})

function afterDirective(text: string) {
  return parseInstruction(`# escape=\`\n${text}`)
}

/** What a script may repeat to have a parser go deep or slow. */
const PIECES = [
  '$(',
  '"$(',
  '`',
  '((',
  '$((',
  '<(',
  '{ ',
  'if a; then ',
  'f() { ',
  '${a:-',
  'sudo ',
  "sh -c 'sh -c '",
  'a|',
  '[[ ',
]

test('a hostile script ends soon and breaks nothing', () => {
  for (const piece of PIECES) {
    const start = performance.now()
    parseScript(piece.repeat(60_000 / piece.length))
    const took = performance.now() - start
    assert.ok(took < 5000, `${JSON.stringify(piece)} took ${Math.round(took)} ms`)
  }
})
