import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { DL_RULES } from './dl/rules.ts'
import { FACT_RULES } from './facts/rules.ts'
import { DEFAULTS } from './lint/config.ts'
import type { LintFacts } from './lint/facts.ts'
import { plainInput } from './lint/input.ts'
import { lintDockerfile, SYNTAX_RULE } from './lint/lint.ts'
import { RULES } from './rules.ts'
import { findingsOf } from './testing.ts'

const PAGES = join(import.meta.dirname, '../../docs/rules')

/** The code under a heading of a page. */
function block(page: string, heading: string, language = 'dockerfile'): string | undefined {
  const pattern = new RegExp(`${heading}[\\s\\S]*?\`\`\`${language}\\n([\\s\\S]*?)\`\`\``)
  return pattern.exec(page)?.[1]
}

/** What the page about platforms says of its image. */
const IMAGES = { 'registry.example.com/only-arm64': { platform: 'linux/arm64' } }

test('every rule has a page, and every page a rule', () => {
  const pages = readdirSync(PAGES).filter(name => name !== 'README.md' && name !== 'hadolint.md')
  const rules = [...RULES, ...FACT_RULES]
  assert.deepEqual(pages.sort(), rules.map(({ name }) => `${name}.md`).sort())
  const index = readFileSync(join(PAGES, 'README.md'), 'utf8')
  for (const { name } of rules) assert.ok(index.includes(`[${name}](${name}.md)`), name)
})

test('the table has every rule of hadolint as it is', () => {
  const table = readFileSync(join(PAGES, 'hadolint.md'), 'utf8')
  const rows = table.split('\n').flatMap(line => {
    const cells = line.split('|').map(cell => cell.trim())
    return /^DL\d+$/.test(cells[1] ?? '') ? [cells.slice(1, 5)] : []
  })
  assert.deepEqual(
    rows,
    [SYNTAX_RULE, ...DL_RULES].map(({ name, severity, description, twin = '' }) => [name, severity, description, twin]),
  )
})

for (const { name } of RULES) {
  test(`${name}: the page's bad example breaks it and no other rule, the good one none`, () => {
    const page = readFileSync(join(PAGES, `${name}.md`), 'utf8')
    const dockerignore = block(page, 'dockerignore', 'dockerignore')
    const namesIn = (heading: string) => {
      const text = block(page, heading)
      assert.ok(text !== undefined, `${heading} has an example`)
      const { findings, error } = findingsOf(text, { all: true, dockerignore, images: IMAGES })
      assert.equal(error, undefined)
      return [...new Set(findings.map(({ rule }) => rule.name))]
    }
    assert.deepEqual(namesIn('## Bad'), [name])
    assert.deepEqual(namesIn('## Good'), [])
  })
}

/** What the pages say of the context and of the base images. */
function factsOf(page: string): LintFacts {
  const files = block(page, 'context', 'context')?.trim().split('\n')
  const has = (path: string) => files?.some(file => file === path || file.startsWith(`${path}/`)) === true
  const image = { env: [], hasShell: false, platform: { os: 'linux', architecture: 'amd64' } }
  return {
    context: files && { has, isExcluded: () => false, files },
    base: name =>
      name === 'registry.example.com/jdk:21' ? { ...image, hasCommand: one => one === 'java' } : undefined,
  }
}

for (const { name } of FACT_RULES) {
  test(`${name}: the page's bad example breaks it and no other rule of ours, the good one no rule`, () => {
    const page = readFileSync(join(PAGES, `${name}.md`), 'utf8')
    const namesIn = (heading: string) => {
      const text = block(page, heading)
      assert.ok(text !== undefined, `${heading} has an example`)
      const options = { file: 'Dockerfile', config: DEFAULTS, around: plainInput, facts: factsOf(page) }
      return [...new Set(lintDockerfile(text, options).map(({ rule }) => rule.name))]
    }
    assert.deepEqual(
      namesIn('## Bad').filter(one => one.startsWith('SH')),
      [name],
    )
    assert.deepEqual(namesIn('## Good'), [])
  })
}
