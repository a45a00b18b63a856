import { executeTemplate } from '../../../src/cli/format/template/execute.ts'
import { FUNCTION_NAMES } from '../../../src/cli/format/template/functions.ts'
import { parseTemplate } from '../../../src/cli/format/template/parse.ts'
import { record } from '../../../src/cli/format/template/value.ts'
import { refused, type Target } from '../target.ts'

const DATA = record(
  'Row',
  { ID: 'sha256:0', Size: 12, Tags: ['a', 'b'], Labels: { k: 'v' }, None: null, Yes: true, Ratio: 0.5 },
  { Absent: '' },
)

/** Whatever the template, it prints or is refused. */
export const target: Target = {
  words: [
    ...[
      '{{',
      '}}',
      '{{- ',
      ' -}}',
      '{{end}}',
      '{{else}}',
      '{{if .Yes}}',
      '{{range .Tags}}',
      '{{with .Labels}}',
      '{{/*',
      '*/}}',
    ],
    ...[
      '.ID',
      '.Size',
      '.Tags',
      '.Labels.k',
      '.None',
      '$x := ',
      '$',
      ' | ',
      '(',
      ')',
      '"%5.2f"',
      '"',
      '`',
      "'c'",
      '\\U',
      '0x1F',
    ],
    ...[...FUNCTION_NAMES].map(name => ` ${name} `),
  ],
  run(input) {
    const template = refused(() => parseTemplate(input.toString('utf8'), FUNCTION_NAMES))
    if (template !== undefined) refused(() => executeTemplate(template, DATA))
  },
}
