import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { busyboxRootfs } from '../support/busybox.ts'
import { fixtureTree } from '../support/fixture.ts'
import { shale, tmp } from '../support/shale.ts'

type Event = Readonly<Record<string, unknown>> & { readonly type: string }

/** The types of events that docs/progress.md describes, each with its fields and their types. */
async function described(): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
  const page = await readFile(new URL('../../docs/progress.md', import.meta.url), 'utf8')
  const sections = page.split(/^### /m).slice(1)
  return new Map(
    sections.map(section => {
      const rows = [...section.matchAll(/^\| `(\w+)` +\| (\w+) +\|/gm)]
      return [section.split('\n', 1)[0] ?? '', new Map(rows.map(([, field = '', type = '']) => [field, type]))]
    }),
  )
}

function typeOf(value: unknown): string {
  return Array.isArray(value) ? 'array' : typeof value
}

test('the events of builds, good and bad, are as docs/progress.md describes them', async t => {
  const call = await shale(t)
  const rootfs = await busyboxRootfs()
  const folder = await fixtureTree(await tmp(t), { Dockerfile: 'FROM scratch\nCOPY . /\n', 'a/b': 'c' })
  await call(['build', '-q', '-t', 'busybox', '-f', join(folder, 'Dockerfile'), rootfs])
  const dockerfiles = [
    'FROM busybox AS Odd\nCOPY a /a\nRUN echo out; echo err >&2\n',
    'FROM busybox\nRUN exit 3\n',
    'FROM busybox\nONBUILD COPY a /\nCOPY missing /\n',
    'FRM busybox\n',
  ]
  const events: Event[] = []
  for (const input of dockerfiles) {
    const { code, stdout } = await call(['build', '-t', 'x', '--progress', 'json', '-f', '-', folder], { input })
    const lines = stdout.trimEnd().split('\n')
    const own = lines.map(line => JSON.parse(line) as Event)
    assert.equal(own.at(-1)?.type, code === 0 ? 'finished' : 'failed')
    events.push(...own)
  }
  const types = await described()
  for (const { type, ...fields } of events) {
    const known = types.get(type)
    assert.ok(known !== undefined, `${type} is described`)
    for (const [name, value] of Object.entries(fields)) assert.equal(known.get(name), typeOf(value), `${type}.${name}`)
  }
  const seen = new Set(events.map(({ type }) => type))
  for (const type of ['started', 'step-output', 'step-finished', 'warning', 'finished', 'failed']) {
    assert.ok(seen.has(type), `${type} was seen`)
  }
})
