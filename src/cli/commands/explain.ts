import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RULES } from '../../advise/rules.ts'
import { nearest } from '../../dockerfile/nearest.ts'
import { ShaleError } from '../../error.ts'
import { command } from '../command.ts'
import { renderTable } from '../format/table.ts'

export default command({
  usage: '[RULE]',
  about: 'Print the page about a rule that Dockerfiles are checked by; without a rule, list them.',
  examples: [
    ['explain JSONArgsRecommended', 'what it asks for, with an example'],
    ['explain', 'every rule'],
  ],
  args: { min: 0, max: 1 },
  flags: {},
  async run(context, { args: [name] }) {
    if (name === undefined) {
      const rows = RULES.map(rule => [rule.name, rule.description.split('. ', 1)[0] ?? ''])
      context.out.write(renderTable([['RULE', 'ASKS FOR'], ...rows]))
      return 0
    }
    const rule = RULES.find(one => one.name.toLowerCase() === name.toLowerCase())
    if (rule === undefined) throw unknownRule(name)
    context.out.write(readFileSync(join(pages(), `${rule.name}.md`), 'utf8'))
    return 0
  },
})

function unknownRule(name: string): ShaleError {
  const near = nearest(
    name,
    RULES.map(rule => rule.name),
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
