import { CATALOG, commandsOf, GROUPS } from './catalog.ts'
import type { AnyCommand } from './command.ts'
import { type Flags, longName } from './flag.ts'

const GLOBAL_OPTIONS: readonly (readonly [string, string])[] = [
  ['    --root dir', 'Folder of the store (default: SHALE_ROOT, else /var/lib/shale or the XDG data folder)'],
  ['    --debug', 'Show where in the program an error comes from, and which registry mirror answered'],
  ['    --offline', 'Never touch the network (SHALE_OFFLINE)'],
  ['    --registries-config file', 'Mirrors and TLS settings of registries (SHALE_REGISTRIES)'],
  ['-v, --version', 'Show the version'],
]

/** `shale --help` */
export function mainHelp(columns: number): string {
  const groups = Object.entries(GROUPS)
  return [
    usage('shale [OPTIONS] COMMAND', columns),
    paragraph('Build, look into, keep and run container images: no daemon, no root.', columns),
    section('Commands', plainCommands(), columns),
    section('Management commands', groups, columns),
    section('Global options', GLOBAL_OPTIONS, columns),
    section(
      'Examples',
      [
        ['shale build -t myapp:1.0 .', 'build the Dockerfile of this folder'],
        ['shale build --explain .', 'build, and say of every step why it ran or did not'],
        ['shale run --rm myapp:1.0', 'run it'],
        ['shale whatis myapp:1.0', 'what code is behind it?'],
      ],
      columns,
    ),
    paragraph("Run 'shale COMMAND --help' for more on a command.", columns),
  ].join('\n\n')
}

function plainCommands(): readonly (readonly [string, string])[] {
  return commandsOf('').map(({ name, entry }) => [name, entry.summary])
}

/** `shale image --help` */
export function groupHelp(group: string, columns: number): string {
  const commands = commandsOf(group)
  return [
    usage(`shale ${group} COMMAND`, columns),
    paragraph(GROUPS[group] ?? '', columns),
    section(
      'Commands',
      commands.map(({ name, entry }) => [name, entry.summary]),
      columns,
    ),
    paragraph(`Run 'shale ${group} COMMAND --help' for more on a command.`, columns),
  ].join('\n\n')
}

/** `shale images --help` */
export function commandHelp(form: string, command: AnyCommand, columns: number): string {
  const forms = CATALOG.find(entry => entry.forms.includes(form))?.forms ?? []
  const flags = flagLines(command.flags)
  const sections = [usage(`shale ${form} ${command.usage}`, columns), paragraph(command.about, columns)]
  if (forms.length > 1) {
    const aliases = wrap(forms.map(form => `shale ${form}`).join(', '), columns - 2)
    sections.push(`Aliases:\n${aliases.map(line => `  ${line}`).join('\n')}`)
  }
  if (flags.length > 0) sections.push(section('Options', flags, columns))
  sections.push(
    section(
      'Examples',
      command.examples.map(([line, what]) => [`shale ${line}`, what]),
      columns,
    ),
  )
  return sections.join('\n\n')
}

function flagLines(flags: Flags): readonly (readonly [string, string])[] {
  return Object.entries(flags)
    .filter(([, flag]) => flag.hidden !== true)
    .map(([key, flag]) => {
      const short = flag.short === undefined ? '    ' : `-${flag.short}, `
      const value = flag.kind === 'boolean' ? '' : ` ${flag.placeholder ?? 'string'}`
      return [`${short}--${longName(key)}${value}`, flag.help] as const
    })
    .sort(([a], [b]) => (a.slice(4) < b.slice(4) ? -1 : 1))
}

const WIDEST = 34
/** Less than this for the right column, and the texts go below the names. */
const NARROWEST = 30
const BELOW = 8

/** A heading and two columns; the right one is wrapped to the terminal. Names are whole, for they are to be typed. */
function section(title: string, rows: readonly (readonly [string, string])[], columns: number): string {
  const left = Math.min(WIDEST, Math.max(...rows.map(([name]) => name.length))) + 3
  const beside = columns - left - 2
  const lines = rows.flatMap(([name, text]) =>
    beside < NARROWEST ? below(name, text, columns) : besides(name, text, left, beside),
  )
  return `${title}:\n${lines.map(line => line.trimEnd()).join('\n')}`
}

function besides(name: string, text: string, left: number, width: number): readonly string[] {
  const [first = '', ...rest] = wrap(text, width)
  const head = name.length < left ? [`  ${name.padEnd(left)}${first}`] : [`  ${name}`, `  ${' '.repeat(left)}${first}`]
  return [...head, ...rest.map(line => `  ${' '.repeat(left)}${line}`)]
}

function below(name: string, text: string, columns: number): readonly string[] {
  return [`  ${name}`, ...wrap(text, columns - BELOW).map(line => `${' '.repeat(BELOW)}${line}`)]
}

function paragraph(text: string, columns: number): string {
  return wrap(text, columns).join('\n')
}

/** What follows the first line of a usage stands below its first word. */
function usage(text: string, columns: number): string {
  const head = 'Usage:  '
  return head + wrap(text, columns - head.length).join(`\n${' '.repeat(head.length)}`)
}

function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
