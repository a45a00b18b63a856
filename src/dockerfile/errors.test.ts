import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ShaleError } from '../error.ts'
import { parseDockerfile } from './parse.ts'

interface Case {
  readonly text: string
  readonly message: string
  /** `line:column` of the error. */
  readonly at: string
  /** What the caret stands under. */
  readonly marked: string
  readonly code?: string
  readonly hint?: string
}

const CASES: readonly Case[] = [
  {
    text: 'FROM a\nRNU make',
    message: 'unknown instruction: RNU',
    at: '2:1',
    marked: 'RNU',
    hint: 'did you mean RUN?',
    code: 'DOCKERFILE_UNKNOWN_INSTRUCTION',
  },
  {
    text: 'FROM scratch\nFNTRYPOINT ["x"]',
    message: 'unknown instruction: FNTRYPOINT',
    at: '2:1',
    marked: 'FNTRYPOINT',
    hint: 'did you mean ENTRYPOINT?',
  },
  {
    text: 'FROM a\n  copi a b',
    message: 'unknown instruction: copi',
    at: '2:3',
    marked: 'copi',
    hint: 'did you mean copy?',
  },
  {
    text: 'FROM a\nRUN --mont=target=/x true',
    message: 'unknown flag: --mont',
    at: '2:5',
    marked: '--mont=target=/x',
    hint: 'did you mean --mount?',
    code: 'DOCKERFILE_FLAG',
  },
  {
    text: 'FROM a\nCOPY --from=x \\\n  --chwon=1 a b',
    message: 'unknown flag: --chwon',
    at: '3:3',
    marked: '--chwon=1',
    hint: 'did you mean --chown?',
  },
  {
    text: 'FROM a\nCOPY --constructor a b',
    message: 'unknown flag: --constructor',
    at: '2:6',
    marked: '--constructor',
  },
  { text: 'FROM a\nCOPY --from a b', message: 'missing a value on flag: --from', at: '2:6', marked: '--from' },
  {
    text: 'FROM a\nCOPY --from=a --from=b c d',
    message: 'duplicate flag specified: --from',
    at: '2:15',
    marked: '--from=b',
  },
  {
    text: 'FROM a\nCOPY --link=yes c d',
    message: 'expecting boolean value for flag --link, not: yes',
    at: '2:6',
    marked: '--link=yes',
    hint: 'write true or false',
  },
  {
    text: 'FROM a\nCOPY only',
    message: 'COPY requires at least two arguments, but only one was provided. Destination could not be determined',
    at: '2:6',
    marked: 'only',
  },
  {
    text: 'FROM a\nCOPY /foo <<EOF\nEOF',
    message: 'COPY cannot accept a heredoc as a destination',
    at: '2:11',
    marked: '<<EOF',
  },
  {
    text: 'FROM a\nCOPY --from=$X a b',
    message:
      'variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a workaround',
    at: '2:13',
    marked: '$X',
  },
  {
    text: 'FROM a\nRUN <<EOF\nx',
    message: 'unterminated heredoc',
    at: '2:5',
    marked: '<<EOF',
    hint: 'end it with a line that is just EOF; it began on line 2',
    code: 'DOCKERFILE_HEREDOC',
  },
  {
    text: 'FROM a\nENV PATH',
    message: 'ENV must have two arguments',
    at: '2:5',
    marked: 'PATH',
    hint: 'write ENV PATH=value',
  },
  {
    text: 'FROM a\nENV a=1 b',
    message: 'Syntax error - can\'t find = in "b". Must be of the form: name=value',
    at: '2:9',
    marked: 'b',
  },
  { text: 'FROM a\nENV =1', message: 'ENV names can not be blank', at: '2:5', marked: '=1' },
  { text: 'FROM a\nENV', message: 'ENV requires at least one argument', at: '2:1', marked: 'ENV' },
  { text: 'FROM a\nARG =1', message: 'ARG names can not be blank', at: '2:5', marked: '=1' },
  {
    text: 'FROM a b',
    message: 'FROM requires either one or three arguments',
    at: '1:8',
    marked: 'b',
    hint: 'write FROM <image> AS <name>',
  },
  { text: 'FROM', message: 'FROM requires either one or three arguments', at: '1:1', marked: 'FROM' },
  {
    text: 'FROM a AS 1st',
    message: 'invalid name for build stage: "1st", name can\'t start with a number or contain symbols',
    at: '1:11',
    marked: '1st',
  },
  {
    text: 'FROM a\nCMD [ "echo", [ "x" ] ]',
    message: 'when using JSON array syntax, arrays must be comprised of strings only',
    at: '2:5',
    marked: '[ "echo", [ "x" ] ]',
  },
  {
    text: 'FROM a\nSHELL bash -c',
    message: 'SHELL requires the arguments to be in JSON form',
    at: '2:7',
    marked: 'bash -c',
  },
  {
    text: 'FROM a\nHEALTHCHECK CDM x',
    message: 'Unknown type "CDM" in HEALTHCHECK (try CMD)',
    at: '2:13',
    marked: 'CDM',
  },
  { text: 'FROM a\nHEALTHCHECK CMD', message: 'Missing command after HEALTHCHECK CMD', at: '2:13', marked: 'CMD' },
  { text: 'FROM a\nHEALTHCHECK NONE x', message: 'HEALTHCHECK NONE takes no arguments', at: '2:18', marked: 'x' },
  {
    text: 'FROM a\nHEALTHCHECK --timeout=1us CMD x',
    message: 'Interval "timeout" cannot be less than 1ms',
    at: '2:23',
    marked: '1us',
  },
  {
    text: 'FROM a\nHEALTHCHECK --timeout=5 CMD x',
    message: 'invalid duration "5" for --timeout',
    at: '2:23',
    marked: '5',
  },
  {
    text: 'FROM a\nHEALTHCHECK --retries=-1 CMD x',
    message: '--retries cannot be negative (-1)',
    at: '2:23',
    marked: '-1',
  },
  {
    text: 'FROM a\nVOLUME ["/a", " "]',
    message: 'VOLUME specified can not be an empty string',
    at: '2:15',
    marked: '" "',
  },
  { text: 'FROM a\nONBUILD FROM b', message: "FROM isn't allowed as an ONBUILD trigger", at: '2:9', marked: 'FROM' },
  {
    text: 'FROM a\nONBUILD ONBUILD RUN x',
    message: "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed",
    at: '2:9',
    marked: 'ONBUILD',
  },
  {
    text: 'FROM a\nONBUILD RNU x',
    message: 'unknown instruction: RNU',
    at: '2:9',
    marked: 'RNU',
    hint: 'did you mean RUN?',
  },
  {
    text: 'FROM a\nRUN --network=hots x',
    message: 'invalid network mode "hots"',
    at: '2:15',
    marked: 'hots',
    hint: 'did you mean host?',
  },
  {
    text: 'FROM a\nRUN --mount=type=bind,from=$X x',
    message: "'from' doesn't support variable expansion, define alias stage instead",
    at: '2:23',
    marked: 'from=$X',
    code: 'DOCKERFILE_MOUNT',
  },
  {
    text: `FROM a\nRUN --mount='a"b' x`,
    message: 'failed to parse csv mounts',
    at: '2:5',
    marked: `--mount='a"b'`,
  },
  {
    text: 'FROM a\nRUN --device=a,required=maybe x',
    message: 'invalid value for required: maybe',
    at: '2:16',
    marked: 'required=maybe',
  },
  {
    text: 'RUN x',
    message: 'no build stage in current context',
    at: '1:1',
    marked: 'RUN',
    hint: 'begin with FROM; only ARG may stand before it',
    code: 'DOCKERFILE_NO_STAGE',
  },
  { text: 'ARG x', message: 'dockerfile contains no stages to build', at: '1:1', marked: 'ARG x' },
  {
    text: '# only\n# comments\n',
    message: 'file with no instructions',
    at: '2:1',
    marked: '',
    code: 'DOCKERFILE_EMPTY',
  },
  { text: '', message: 'file with no instructions', at: '1:1', marked: '' },
  {
    text: '# escape=x\nFROM a',
    message: "invalid escape token 'x' does not match ` or \\",
    at: '1:10',
    marked: 'x',
    code: 'DOCKERFILE_DIRECTIVE',
  },
  {
    text: '# escape=`\n# escape=`\nFROM a',
    message: 'only one escape parser directive can be used',
    at: '2:10',
    marked: '`',
  },
  { text: '\ufeffFRMO a', message: 'unknown instruction: FRMO', at: '1:1', marked: 'FRMO', hint: 'did you mean FROM?' },
  {
    text: 'FROM a\r\nRUN x \\\r\n  y\r\nUSER',
    message: 'USER requires exactly one argument',
    at: '4:1',
    marked: 'USER',
  },
]

for (const { text, message, at, marked, code, hint } of CASES) {
  test(`error: ${JSON.stringify(text)}`, () => {
    assert.throws(
      () => parseDockerfile(text, { file: 'sub/Dockerfile' }),
      (error: unknown) => {
        assert.ok(error instanceof ShaleError)
        assert.equal(error.message, message)
        const { file, text: whole, range } = error.source!
        assert.equal(file, 'sub/Dockerfile')
        assert.equal(`${range.start.line}:${range.start.column}`, at)
        const line = whole.split(/\r?\n/)[range.start.line - 1] ?? ''
        assert.equal(range.end.line, range.start.line)
        assert.equal(line.slice(range.start.column - 1, range.end.column - 1), marked)
        if (code !== undefined) assert.equal(error.code, code)
        if (hint !== undefined) assert.equal(error.hint, hint)
        return true
      },
    )
  })
}
