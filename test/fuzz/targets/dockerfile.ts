import assert from 'node:assert/strict'
import { expandInstruction, expandWord } from '../../../src/dockerfile/expand.ts'
import { parseIgnoreFile } from '../../../src/dockerfile/ignore.ts'
import { parseDockerfile } from '../../../src/dockerfile/parse.ts'
import { refused, type Target } from '../target.ts'

const VALUES: Readonly<Record<string, string>> = { A: 'one', B: '', C: 'a/b*c?d\\', VERSION: '1.2.3' }
const lookup = (name: string): string | undefined => VALUES[name]

/** Whatever the text, it is a Dockerfile or refused; every range lies within it; so with its words, expanded. */
export const target: Target = {
  words: [
    ...[
      'FROM a AS b\n',
      'RUN ',
      'COPY ',
      'ADD ',
      'ENV ',
      'ARG ',
      'LABEL ',
      'EXPOSE ',
      'HEALTHCHECK ',
      'ONBUILD ',
      'SHELL ',
    ],
    ...[
      '--from=',
      '--mount=type=cache,target=/x ',
      '--chmod=',
      '--interval=1s ',
      '<<EOF',
      '\nEOF\n',
      '<<-"E"',
      '\\\n',
      '# escape=`\n',
    ],
    ...[
      '${A:-',
      '${B:+',
      '${C##',
      '${C//',
      '$A',
      '}',
      '["',
      '"]',
      '", "',
      "'",
      '"',
      '\\',
      '`',
      '\t',
      '\r\n',
      '#',
      '/',
      '*',
      '?',
    ],
  ],
  run(input) {
    const text = input.toString('utf8')
    refused(() => expandWord(text, lookup))
    refused(() => parseIgnoreFile(text))
    const file = refused(() => parseDockerfile(text))
    if (file === undefined) return
    const lines = file.text.split('\n').length
    for (const instruction of file.instructions) {
      const { start, end } = instruction.range
      assert.ok(start.line >= 1 && start.line <= end.line && end.line <= lines, `${instruction.kind} lies outside`)
      refused(() => expandInstruction(instruction, lookup, file.escape, file))
    }
  },
}
