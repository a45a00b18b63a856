import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CATALOG, GROUPS } from './catalog.ts'
import { commandHelp, groupHelp, mainHelp } from './help.ts'

/** Every page, by the words that show it. */
async function pages(columns: number): Promise<ReadonlyMap<string, string>> {
  const commands = CATALOG.map(async ({ forms: [form = ''], load }) => {
    return [form, commandHelp(form, await load(), columns)] as const
  })
  const groups = Object.keys(GROUPS).map(group => [group, groupHelp(group, columns)] as const)
  return new Map([['', mainHelp(columns)], ...groups, ...(await Promise.all(commands))])
}

/** A command line to be typed, a flag with its placeholder, or a word is never broken. */
function mayBeLong(line: string): boolean {
  return /^ {2}(?:shale |-| {4}--)/.test(line) || !line.trim().includes(' ')
}

for (const columns of [40, 60, 80, 120]) {
  test(`help fits into ${columns} columns`, async () => {
    for (const [words, page] of await pages(columns)) {
      const long = page.split('\n').filter(line => line.length > columns && !mayBeLong(line))
      assert.deepEqual(long, [], `shale ${words} --help`)
    }
  })
}

test('in a narrow terminal the texts stand below the names', () => {
  assert.match(mainHelp(80), /\n {2}build {2,}Build an image from a Dockerfile\n/)
  assert.match(mainHelp(36), /\n {2}build\n {8}Build an image from a\n {8}Dockerfile\n/)
})
