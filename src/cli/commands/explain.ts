import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LINT_RULES } from '../../advise/lint/lint.ts'
import type { RuleFacts } from '../../advise/rule.ts'
import { nearest } from '../../dockerfile/nearest.ts'
import { ShaleError } from '../../error.ts'
import { command } from '../command.ts'
import { renderTable } from '../format/table.ts'

export default command({
  usage: '[RULE]',
  about: 'Print the page about a rule that Dockerfiles are checked by; without a rule, list them.',
  examples: [
    ['explain JSONArgsRecommended', 'what it asks for, with an example'],
    ['explain DL3008', 'one of hadolint’s'],
    ['explain', 'every rule'],
  ],
  args: { min: 0, max: 1 },
  flags: {},
  async run(context, { args: [name] }) {
    if (name === undefined) {
      const rows = LINT_RULES.map(rule => [rule.name, rule.description.split('. ', 1)[0] ?? ''])
      context.out.write(renderTable([['RULE', 'ASKS FOR'], ...rows]))
      return 0
    }
    const rule = LINT_RULES.find(one => one.name.toLowerCase() === name.toLowerCase())
    if (rule === undefined) throw unknownRule(name)
    const page = join(pages(), `${rule.name}.md`)
    context.out.write(existsSync(page) ? readFileSync(page, 'utf8') : rowText(rule))
    return 0
  },
})

/** hadolint's rules are told in a table; what it says of one. */
function rowText({ name, description, severity = 'warning', twin }: RuleFacts): string {
  const also = twin === undefined ? '' : `\nBuildKit has it as ${twin}: \`shale explain ${twin}\` says more.\n`
  const wiki = `https://github.com/hadolint/hadolint/wiki/${name}`
  return `# ${name}\n\n${description}\n\nSeverity: ${severity}. hadolint's own page: ${wiki}\n${also}`
}

function unknownRule(name: string): ShaleError {
  const near = nearest(
    name,
    LINT_RULES.map(rule => rule.name),
  )
  return new ShaleError('UNKNOWN_RULE', `there is no rule ${JSON.stringify(name)}`, {
    hint: near === undefined ? '`shale explain` lists them' : `did you mean ${near}?`,
  })
}

/** The package has the pages beside its bundle, a checkout beside its source. */
function pages(): string {
  const places = ['../docs/rules', '../../../docs/rules'].map(path => fileURLToPath(new URL(path, import.meta.url)))
  return places.find(path => existsSync(path)) ?? (places[0] as string)
}
