import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseFormat } from '../format.ts'
import { executeTemplate } from './execute.ts'
import { record } from './value.ts'

const DATA = record(
  'image',
  {
    Id: 'sha256:abc',
    Tags: ['app:1', 'app:2'],
    Size: 1234,
    Config: record(
      'config',
      { Env: ['A=1', 'B=<2>'], Labels: { 'a.b': 'x', team: 'core' }, Cmd: ['java', '-jar'] },
      {
        Entrypoint: [],
        User: '',
      },
    ),
    None: null,
    Yes: true,
    Ratio: 1.5,
  },
  { Hidden: 'there' },
)

const run = (source: string) => executeTemplate(parseFormat(source), DATA)

// Checked against Go's text/template where it is not evident.
const CASES: readonly (readonly [string, string])[] = [
  ['plain', 'plain'],
  ['{{.Id}}', 'sha256:abc'],
  ['{{ .Id }}!', 'sha256:abc!'],
  ['{{.Config.Cmd}}', '[java -jar]'],
  ['{{.Config.Labels}}', 'map[a.b:x team:core]'],
  ['{{.Config.Labels.team}}', 'core'],
  ['{{.Config.Labels.nobody}}', '<no value>'],
  ['{{index .Config.Labels "a.b"}}', 'x'],
  ['{{index .Config.Labels "none"}}', ''],
  ['{{index .Tags 1}}', 'app:2'],
  ['{{.Config.Entrypoint}}', '[]'],
  ['{{.Hidden}}', 'there'],
  ['{{json .Config.Env}}', '["A=1","B=<2>"]'],
  ['{{json .Config}}', '{"Env":["A=1","B=<2>"],"Labels":{"a.b":"x","team":"core"},"Cmd":["java","-jar"]}'],
  ['{{.Config.Labels | json}}', '{"a.b":"x","team":"core"}'],
  ['{{range .Tags}}[{{.}}]{{end}}', '[app:1][app:2]'],
  ['{{range $i, $e := .Tags}}{{$i}}={{$e}};{{end}}', '0=app:1;1=app:2;'],
  ['{{range $e := .Tags}}{{$e}},{{end}}', 'app:1,app:2,'],
  ['{{range $k, $v := .Config.Labels}}{{$k}}:{{$v}} {{end}}', 'a.b:x team:core '],
  ['{{range .Config.Entrypoint}}x{{else}}empty{{end}}', 'empty'],
  ['{{range .Tags}}{{if eq . "app:2"}}{{break}}{{end}}{{.}}{{end}}', 'app:1'],
  ['{{range .Tags}}{{if eq . "app:1"}}{{continue}}{{end}}{{.}}{{end}}', 'app:2'],
  ['{{range .Tags}}{{$.Size}} {{end}}', '1234 1234 '],
  ['{{if .Yes}}a{{else}}b{{end}}', 'a'],
  ['{{if .Config.User}}a{{else if .Yes}}b{{else}}c{{end}}', 'b'],
  ['{{if not .Yes}}a{{end}}', ''],
  ['{{with .Config}}{{.Cmd}}{{end}}', '[java -jar]'],
  ['{{with .Config.User}}x{{else}}nobody{{end}}', 'nobody'],
  ['{{with $x := .Size}}{{$x}}{{end}}', '1234'],
  ['{{$x := 1}}{{if .Yes}}{{$x = 2}}{{end}}{{$x}}', '2'],
  ['{{$x := 1}}{{if .Yes}}{{$x := 2}}{{$x}}{{end}}{{$x}}', '21'],
  ['a {{- .Size -}} b', 'a1234b'],
  ['{{/* nothing */}}a{{- /* trims */ -}} b', 'ab'],
  ['{{"a\\tb"}}|{{`c\\td`}}', 'a\tb|c\\td'],
  ["{{'a'}}", '97'],
  ['{{join .Tags ", "}}', 'app:1, app:2'],
  ['{{join (split .Id ":") "/"}}', 'sha256/abc'],
  ['{{index (split .Id ":") 1}}', 'abc'],
  ['{{upper "a"}}{{lower "B"}}{{title "ab cd"}}', 'AbAb Cd'],
  ['[{{pad "x" 1 2}}][{{pad "" 1 2}}]', '[ x  ][]'],
  ['{{truncate .Id 6}}', 'sha256'],
  [`{{html "<a href='x'>&"}}`, '&lt;a href=&#39;x&#39;&gt;&amp;'],
  ['{{js "it\'s <b> ="}} {{js "a\\tb\\\\"}}', String.raw`it\'s \u003Cb\u003E \u003D a\u0009b\\`],
  ['{{urlquery "a b/ü*" 1}}', 'a+b%2F%C3%BC%2A1'],
  ['{{println .Id 1}}', 'sha256:abc 1\n'],
  ['{{print 1 2 "x" 3}}', '1 2x3'],
  [
    '{{printf "%s|%-5s|%5d|%05d|%q|%v|%.2f|%x|%%" "a" "b" 7 8 "c" .Tags .Ratio 255}}',
    'a|b    |    7|00008|"c"|[app:1 app:2]|1.50|ff|%',
  ],
  ['{{printf "%d" "x"}}', '%!d(string=x)'],
  ['{{printf "%s"}}', '%!s(MISSING)'],
  ['{{printf "a" 1}}', 'a%!(EXTRA int=1)'],
  ['{{len .Tags}} {{len .Id}} {{len .Config.Labels}}', '2 10 2'],
  ['{{slice .Id 7}} {{slice .Id 0 3}}', 'abc sha'],
  ['{{eq .Size 1 1234}} {{ne .Size 1}} {{lt 1 2}} {{le 2 2}} {{gt 1 2}} {{ge 1 2}}', 'true true true true false false'],
  ['{{and .Yes .Size}} {{or .Config.User "x"}} {{and 0 (index .Tags 9)}}', '1234 x 0'],
  ['{{.None}}', '<nil>'],
  ['{{.Yes}} {{.Ratio}} {{-3}} {{0x10}} {{1e3}}', 'true 1.5 -3 16 1000'],
  ['{{(index .Tags 0) | upper | printf "<%s>"}}', '<APP:1>'],
  ['{{range 3}}{{.}}{{end}}', '012'],
]

for (const [source, expected] of CASES) {
  test(`${source} gives ${JSON.stringify(expected)}`, () => assert.equal(run(source), expected))
}

const FAILURES: readonly (readonly [string, RegExp])[] = [
  ['{{.Foo}}', /:1:2: executing "" at <\.Foo>: can't evaluate field Foo in type image$/],
  ['ab\n {{.Config.Foo}}', /:2:3: executing "" at <\.Config\.Foo>: can't evaluate field Foo in type config$/],
  ['{{.Id.Foo}}', /can't evaluate field Foo in type string$/],
  ['{{.None.Foo}}', /nil pointer evaluating interface \{\}\.Foo$/],
  ['{{.Id', /:1:0: unclosed action$/],
  ['{{foo}}', /:1:2: function "foo" not defined$/],
  ['{{$x}}', /undefined variable "\$x"$/],
  ['{{if .Yes}}', /unexpected EOF/],
  ['{{end}}', /unexpected \{\{end\}\}$/],
  ['{{}}', /missing value for command$/],
  ['{{.Id | }}', /missing value for command$/],
  ['{{(.Id}}', /unclosed left paren$/],
  ['{{"x}}', /unterminated quoted string$/],
  ['{{.Id)}}', /unexpected "\)" in command$/],
  ['{{index .Tags 5}}', /error calling index: index out of range: 5$/],
  ['{{join .Size ","}}', /error calling join: wrong type for value; expected \[\]string; got int$/],
  ['{{len 3}}', /error calling len: len of type int$/],
  ['{{json}}', /wrong number of args for json: want 1 got 0$/],
  ['{{eq 1 "a"}}', /incompatible types for comparison$/],
  ['{{.Id 1}}', /Id is not a method but has arguments$/],
  ['{{range .Id}}{{end}}', /range can't iterate over sha256:abc$/],
  ['{{break}}', /\{\{break\}\} outside \{\{range\}\}$/],
  ['{{/* x', /unclosed comment$/],
  ['{{template "x"}}', /\{\{template\}\} is not supported$/],
]

for (const [source, message] of FAILURES) {
  test(`${JSON.stringify(source)} is refused: ${message.source}`, () =>
    assert.throws(() => run(source), { code: 'INVALID_TEMPLATE', message }))
}

test('a field that there is not is answered with those that there are', () => {
  assert.throws(() => run('{{.Idd}}'), { hint: /^did you mean \.Id\? the fields are .*\bConfig, .*\bId\b/ })
  assert.throws(() => run('{{.Config.Xyzzy}}'), { hint: /^the fields are / })
})
