import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { run } from '../../scripts/bases/process.ts'
import { busyboxRootfs } from '../support/busybox.ts'
import { tmp } from '../support/shale.ts'

const ROOT = join(import.meta.dirname, '../..')

/** Commands that follow a `<!-- test -->` line. All blocks of a page run one after the other in one empty folder. */
const BLOCK = /^<!-- test -->\n+```sh\n(.*?)^```$/gms

const pages = ['README.md', ...globSync('docs/**/*.md', { cwd: ROOT })].toSorted()

function blocksOf(page: string): readonly string[] {
  return [...readFileSync(join(ROOT, page), 'utf8').matchAll(BLOCK)].map(([, code = '']) => code)
}

test('pages have commands to run', () => {
  assert.ok(pages.flatMap(blocksOf).length >= 4)
})

for (const page of pages.filter(name => blocksOf(name).length > 0)) {
  test(`the commands of ${page} work`, async t => {
    const folder = await tmp(t, 'docs')
    await symlink(await busyboxRootfs(), join(folder, 'busybox'))
    // A program and no function of the shell: what runs in the background is stopped by its process ID.
    const programs = await tmp(t, 'bin')
    const program = `#!/bin/sh\nexec "${process.execPath}" "${join(ROOT, 'bin/shale')}" "$@"\n`
    await writeFile(join(programs, 'shale'), program, { mode: 0o755 })
    const script = ['set -eu', ...blocksOf(page)]
    const PATH = `${programs}:${process.env.PATH}`
    const env = { ...process.env, PATH, SHALE_ROOT: join(await tmp(t, 'root'), 'store'), NODE_TEST_CONTEXT: undefined }
    const { code, stdout, stderr } = await run('sh', ['-c', script.join('\n')], { cwd: folder, env })
    assert.equal(code, 0, `${stdout}\n${stderr}`)
  })
}

test('links between pages lead somewhere', () => {
  for (const page of [...pages, 'CHANGELOG.md', 'CONTRIBUTING.md']) {
    for (const [, target = ''] of readFileSync(join(ROOT, page), 'utf8').matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      assert.ok(globSync(join(ROOT, page, '..', target)).length === 1, `${page} links to ${target}`)
    }
  }
})
