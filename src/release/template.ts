import { nearest } from '../dockerfile/nearest.ts'

/** What a tag's template may name, and what stands for it. */
export const FIELDS: Readonly<Record<string, string>> = {
  version: 'the version: 1.4.2',
  major: 'its first number: 1',
  minor: 'its second number: 4',
  patch: 'its third number: 2',
  build: 'the build identifier: 20260130.1',
  date: 'the day of the build: 20260130',
  sha: 'the first seven digits of the commit',
  revision: 'the whole commit',
  branch: 'the branch, its slashes as dashes',
}

export type Values = Readonly<Record<string, string | undefined>>

const FIELD = /\{([^{}]*)\}/g

/** The names in a template, in order: `version` and `sha` of `{version}-{sha}`. */
export function fieldsOf(template: string): readonly string[] {
  return [...template.matchAll(FIELD)].map(([, name = '']) => name)
}

/** What is wrong with a template, in words; undefined when nothing is. */
export function templateFault(template: string): string | undefined {
  const unknown = fieldsOf(template).find(name => !Object.hasOwn(FIELDS, name))
  if (unknown !== undefined) {
    const near = nearest(unknown, Object.keys(FIELDS))
    const mean = near === undefined ? `there are ${Object.keys(FIELDS).join(', ')}` : `did you mean {${near}}?`
    return `there is no {${unknown}}: ${mean}`
  }
  const rest = template.replaceAll(FIELD, 'x')
  if (/[{}]/.test(rest)) return 'a brace is not closed'
  if (/^\w[\w.-]{0,127}$/.test(rest)) return undefined
  return 'a tag has at most 128 letters, digits, dots, dashes and underscores, and starts with none of . and -'
}

/** The tag, or the first field that has no value. Characters that a tag cannot have become dashes. */
export function fillTemplate(template: string, values: Values): { readonly tag: string } | { readonly lacks: string } {
  const lacks = fieldsOf(template).find(name => values[name] === undefined)
  if (lacks !== undefined) return { lacks }
  const filled = template.replaceAll(FIELD, (_, name: string) => values[name] ?? '')
  return { tag: filled.replaceAll(/[^\w.-]+/g, '-').slice(0, 128) }
}
