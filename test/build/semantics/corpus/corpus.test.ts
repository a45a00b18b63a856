import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as copy from './copy-rows.ts'
import { FEATURES, type Row, type Section } from './row.ts'
import * as run from './run-rows.ts'
import * as stage from './stage-rows.ts'

/** What becomes of every row of `semantics.json`, the digest of what BuildKit's own tests expect. */
const SECTIONS: Readonly<Record<string, Section>> = {
  'COPY: sources, destinations, wildcards': copy.COPY,
  'COPY: symlinks': copy.SYMLINKS,
  'COPY/ADD: --chown, --chmod': copy.OWNERSHIP,
  'ADD: archives, URLs, git, checksum': copy.ADD,
  'ADD/COPY: --exclude': copy.EXCLUDE,
  'COPY --parents': copy.PARENTS,
  WORKDIR: stage.WORKDIR,
  'ENV, ARG, variables': stage.VARIABLES,
  USER: stage.USER,
  Heredocs: stage.HEREDOCS,
  ONBUILD: stage.ONBUILD,
  'RUN --mount': run.MOUNTS,
  'RUN --network, --security, resources': run.RUN,
  'Multi-stage, targets, named contexts': stage.STAGES,
  '.dockerignore, contexts': copy.CONTEXTS,
  Cache: run.CACHE,
  'CMD, ENTRYPOINT, SHELL, image config, history': run.CONFIG,
  SOURCE_DATE_EPOCH: run.EPOCH,
  'Error positions': run.ERRORS,
}

const ROWS: readonly (readonly [name: string, row: Row])[] = Object.entries(SECTIONS).flatMap(([section, rows]) =>
  Object.entries(rows).map(([name, row]) => [`${section} / ${name}`, row] as const),
)
const SUITE = join(import.meta.dirname, '..')
const CORPUS = join(import.meta.dirname, '../../../../../shared/corpus/semantics.json')

/** The suite's cases, as far as its source tells them: whole titles, and those that a loop fills in. */
interface Titles {
  readonly whole: readonly string[]
  readonly filled: readonly { readonly pieces: readonly string[]; readonly literals: ReadonlySet<string> }[]
}

const QUOTED = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g
const TITLE = new RegExp(`(?:\\btitle:|\\btest\\()\\s*(${QUOTED.source})`, 'g')

function titlesOf(source: string): Titles {
  const found = [...source.matchAll(TITLE)].map(([, literal = '']) => literal)
  const literals = new Set([...source.matchAll(QUOTED)].map(([literal]) => literal.slice(1, -1)))
  const isFilled = (literal: string) => literal.startsWith('`') && literal.includes('${')
  return {
    whole: found.filter(literal => !isFilled(literal)).map(literal => literal.slice(1, -1)),
    filled: found.filter(isFilled).map(literal => ({ pieces: literal.slice(1, -1).split(/\$\{[^}]*\}/), literals })),
  }
}

/** A title is there as it stands, as a loop's title with `…`, or as that title filled with a text of the same file. */
function exists(title: string, { whole, filled }: Titles): boolean {
  return (
    whole.includes(title) ||
    filled.some(({ pieces, literals }) => {
      if (title === pieces.join('…')) return true
      const [before = '', after = '', more] = pieces
      if (more !== undefined || !title.startsWith(before) || !title.endsWith(after)) return false
      return literals.has(title.slice(before.length, title.length - after.length))
    })
  )
}

const TITLES: readonly Titles[] = readdirSync(SUITE)
  .filter(name => name.endsWith('.test.ts'))
  .map(name => titlesOf(readFileSync(join(SUITE, name), 'utf8')))

test('every case that a row of the corpus names is in the suite', () => {
  const missing = ROWS.flatMap(([name, { cases = [] }]) =>
    cases.filter(title => !TITLES.some(titles => exists(title, titles))).map(title => `${name}: ${title}`),
  )
  assert.deepEqual(missing, [])
})

test('no two cases have the same title', () => {
  const titles = TITLES.flatMap(({ whole }) => whole)
  assert.deepEqual(
    titles.filter((title, index) => titles.indexOf(title) !== index),
    [],
  )
})

test('every row is held by a case, belongs to a feature, or says why not', () => {
  const open = ROWS.filter(([, { cases = [], feature, leftOut }]) => cases.length === 0 && !feature && !leftOut)
  assert.deepEqual(open, [])
  const unused = Object.keys(FEATURES).filter(feature => !ROWS.some(([, row]) => row.feature === feature))
  assert.deepEqual(unused, [])
})

test('less than 3% of the rows that are about this suite are left out', () => {
  const held = ROWS.filter(([, { cases }]) => cases !== undefined).length
  const leftOut = ROWS.filter(([, row]) => row.leftOut !== undefined).length
  const elsewhere = ROWS.length - held - leftOut
  assert.deepEqual({ held, elsewhere, leftOut }, { held: 200, elsewhere: 30, leftOut: 0 })
  assert.ok(leftOut < 0.03 * (held + leftOut))
})

test('the table has the rows of the corpus and no others', t => {
  if (!existsSync(CORPUS)) {
    t.diagnostic('no corpus beside the checkout: the table is not compared with it')
    return
  }
  const corpus: readonly { readonly section: string; readonly test: string }[] = JSON.parse(
    readFileSync(CORPUS, 'utf8'),
  )
  const names = corpus.map(row => `${row.section} / ${row.test}`)
  assert.equal(names.length, 230)
  assert.deepEqual(ROWS.map(([name]) => name).toSorted(), names.toSorted())
})
