import assert from 'node:assert/strict'
import { chmod, chown, mkdir, rename, rm, symlink, unlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Reason } from '../../src/build/events.ts'
import type { Bench, BenchOptions, Built } from './bench.ts'
import { sharedBench } from './semantics/cases.ts'

const bench = sharedBench()

const DOCKERFILE = [
  'FROM base AS tools',
  'RUN echo tool > /tool',
  'FROM base',
  'ARG VERSION=1',
  'ENV MODE=fast',
  'WORKDIR /app',
  'COPY src ./src',
  'RUN cat src/* > all 2>/dev/null; true',
  'COPY --from=tools /tool /tool',
  'COPY late /late',
  'RUN cat /tool /late > /both',
].join('\n')

const FILES = {
  'src/a': 'A',
  'src/b': 'B',
  'src/link': { symlink: 'a' },
  'src/skipped.log': 'log',
  late: 'L',
  outside: 'O',
  '.dockerignore': '*.log\n**/*.log\n',
}

/** The keyed steps of the Dockerfile, in the letters that the table uses. */
const STEPS = {
  T: 'RUN echo tool > /tool',
  W: 'WORKDIR /app',
  S: 'COPY src ./src',
  R: 'RUN cat src/* > all 2>/dev/null; true',
  F: 'COPY --from=tools /tool /tool',
  L: 'COPY late /late',
  E: 'RUN cat /tool /late > /both',
}

interface Mutation {
  readonly change: string
  /** Works in the context folder; gives what else changes. */
  readonly mutate: (folder: string, at: Bench) => Promise<Change | undefined> | Change | undefined
  /** Steps that must run: `SRE`; all others must be cached. */
  readonly runs: string
  /** The first of them says why. */
  readonly kind?: Reason['kind']
  readonly summary?: RegExp
  /** That step, if it is not the first in the Dockerfile's order. */
  readonly says?: keyof typeof STEPS
}
interface Change {
  readonly dockerfile?: string
  readonly options?: BenchOptions
}

const edit = (from: string | RegExp, to: string) => () => ({ dockerfile: DOCKERFILE.replace(from, to) })
const options = (given: BenchOptions) => () => ({ options: given })
const inFolder = (work: (folder: string) => Promise<unknown>) => async (folder: string) => {
  await work(folder)
  return undefined
}

const TABLE: readonly Mutation[] = [
  { change: 'nothing', mutate: () => undefined, runs: '' },
  {
    change: 'content of a file',
    mutate: inFolder(folder => writeFile(join(folder, 'src/a'), 'other')),
    runs: 'SRE',
    kind: 'context-changed',
    summary: /^src\/a changed \(content\)$/,
  },
  {
    change: 'mode of a file',
    mutate: inFolder(folder => chmod(join(folder, 'src/a'), 0o755)),
    runs: 'SRE',
    kind: 'context-changed',
    summary: /^src\/a changed \(mode 0644 became 0755\)$/,
  },
  {
    change: 'a file more',
    mutate: inFolder(folder => writeFile(join(folder, 'src/c'), 'C')),
    runs: 'SRE',
    kind: 'context-changed',
    summary: /^src\/c added$/,
  },
  {
    change: 'an empty directory more',
    mutate: inFolder(folder => mkdir(join(folder, 'src/d'))),
    runs: 'SRE',
    kind: 'context-changed',
    summary: /src\/d added$/,
  },
  {
    change: 'a file less',
    mutate: inFolder(folder => unlink(join(folder, 'src/b'))),
    runs: 'SRE',
    kind: 'context-changed',
    summary: /src\/b removed$/,
  },
  {
    change: 'a file renamed',
    mutate: inFolder(folder => rename(join(folder, 'src/b'), join(folder, 'src/bb'))),
    runs: 'SRE',
    kind: 'context-changed',
    summary: /src\/b removed and 1 more$/,
  },
  {
    change: 'target of a link',
    mutate: inFolder(async folder => {
      await unlink(join(folder, 'src/link'))
      await symlink('b', join(folder, 'src/link'))
    }),
    runs: 'SRE',
    kind: 'context-changed',
    summary: /^src\/link changed \(link to a became b\)$/,
  },
  {
    change: 'a file that nothing copies',
    mutate: inFolder(folder => writeFile(join(folder, 'outside'), 'x')),
    runs: '',
  },
  { change: 'an ignored file', mutate: inFolder(folder => writeFile(join(folder, 'src/skipped.log'), 'x')), runs: '' },
  {
    change: 'a line of .dockerignore',
    mutate: inFolder(folder => writeFile(join(folder, '.dockerignore'), '*.log\n**/*.log\nsrc/link')),
    runs: 'SRE',
    kind: 'context-changed',
    summary: /^src\/link removed$/,
  },
  {
    change: 'modification times only',
    mutate: inFolder(async folder => {
      await utimes(join(folder, 'src/a'), 1, 1)
      await utimes(join(folder, 'src'), 1, 1)
    }),
    runs: '',
  },
  {
    change: 'a late file',
    mutate: inFolder(folder => writeFile(join(folder, 'late'), 'l')),
    runs: 'LE',
    kind: 'context-changed',
    summary: /^late changed \(content\)$/,
  },
  {
    change: 'owner that COPY gives',
    mutate: edit('COPY late', 'COPY --chown=5:6 late'),
    runs: 'LE',
    kind: 'context-changed',
    summary: /late changed \(owner 0:0 became 5:6\)/,
  },
  {
    change: 'a declared build argument',
    mutate: options({ buildArgs: { VERSION: '2' } }),
    runs: 'RE',
    kind: 'argument-changed',
    summary: /^arg VERSION changed from 1 to 2$/,
  },
  { change: 'an undeclared build argument', mutate: options({ buildArgs: { OTHER: '2' } }), runs: '' },
  {
    change: 'a variable',
    mutate: edit('MODE=fast', 'MODE=slow'),
    runs: 'RE',
    kind: 'argument-changed',
    summary: /^env MODE changed from fast to slow$/,
  },
  {
    change: 'a further variable',
    mutate: edit('MODE=fast', 'MODE=fast MORE=1'),
    runs: 'RE',
    kind: 'argument-changed',
    summary: /^env MORE is new: 1$/,
  },
  {
    change: 'the user of RUN',
    mutate: edit('COPY src', 'USER 0\nCOPY src'),
    runs: 'RE',
    kind: 'argument-changed',
    summary: /^user changed from .* to 0$/,
  },
  {
    change: 'the working directory',
    mutate: edit('COPY --from=tools', 'WORKDIR /\nCOPY --from=tools'),
    runs: 'E',
    kind: 'argument-changed',
    summary: /^workdir changed from \/app to \/$/,
  },
  {
    change: 'a command',
    mutate: edit('RUN cat /tool /late', 'RUN cat /late /tool'),
    runs: 'E',
    kind: 'instruction-changed',
    summary: /^command changed from .* to /,
  },
  {
    change: 'the shell',
    mutate: edit('RUN cat /tool', 'SHELL ["/bin/ash", "-c"]\nRUN cat /tool'),
    runs: 'E',
    kind: 'instruction-changed',
    summary: /^command changed from .* to .*ash/,
  },
  {
    change: 'a label',
    mutate: edit('WORKDIR', 'LABEL a=b\nWORKDIR'),
    runs: '',
  },
  {
    change: 'what another stage makes',
    mutate: edit('echo tool', 'echo hammer'),
    runs: 'TFE',
    kind: 'instruction-changed',
    summary: /^command changed/,
  },
  {
    change: 'how another stage makes the same',
    mutate: edit('RUN echo tool > /tool', 'RUN printf "tool\\n" > /tool'),
    runs: 'T',
    kind: 'instruction-changed',
    summary: /^command changed/,
  },
  {
    change: 'a file of the base',
    mutate: async (_, at) => {
      await at.build('FROM busybox\nRUN echo more > /more', { tags: ['base'] })
      return undefined
    },
    runs: 'TRE',
    kind: 'base-changed',
    summary: /base/,
  },
  {
    change: 'a label of the base',
    mutate: async (_, at) => {
      await at.build('FROM busybox\nLABEL x=y', { tags: ['base'] })
      return undefined
    },
    runs: '',
  },
  {
    change: 'a variable of the base',
    mutate: async (_, at) => {
      await at.build('FROM busybox\nENV OF_BASE=1', { tags: ['base'] })
      return undefined
    },
    runs: 'TRE',
    kind: 'argument-changed',
    summary: /^env OF_BASE is new: 1$/,
  },
  {
    change: 'the network',
    mutate: options({ network: 'none' }),
    runs: 'TRE',
    kind: 'argument-changed',
    summary: /^network changed from host to none$/,
  },
  {
    change: 'a host',
    mutate: options({ addHosts: ['db:10.0.0.1'] }),
    runs: 'TRE',
    kind: 'argument-changed',
    summary: /^host db is new: db:10\.0\.0\.1$/,
  },
  {
    change: 'a platform argument that is declared',
    mutate: edit('ARG VERSION=1', 'ARG VERSION=1 TARGETOS'),
    runs: 'RE',
    kind: 'argument-changed',
    summary: /^arg TARGETOS is new: linux$/,
  },
  {
    change: '--no-cache',
    mutate: options({ noCache: true }),
    runs: 'TWSRFLE',
    kind: 'no-cache',
    summary: /without the cache/,
  },
  {
    change: '--no-cache-filter',
    mutate: options({ noCacheFilter: ['tools'] }),
    runs: 'T',
    kind: 'no-cache',
    summary: /without the cache/,
  },
  {
    change: 'a record pruned',
    mutate: (_, { store }) => {
      const keys = store.cache.list().filter(({ title }) => title === STEPS.L)
      store.cache.remove(keys.map(({ key }) => key))
      return undefined
    },
    runs: 'L',
    kind: 'cache-dropped',
    summary: /pruned from the build cache/,
  },
]

async function base(at: Bench): Promise<void> {
  await at.build('FROM busybox', { tags: ['base'] })
}

function ranSteps(built: Built): string {
  const ran = built.steps.filter(({ status, name }) => status === 'ran' && name.startsWith('['))
  const keyed = ran.filter(({ reason }) => reason !== undefined)
  const letters = Object.entries(STEPS).filter(([, title]) => keyed.some(({ name }) => bare(name) === similar(title)))
  assert.equal(letters.length, keyed.length, `every step is in the table: ${keyed.map(({ name }) => name).join(', ')}`)
  return letters.map(([letter]) => letter).join('')
}

/** `[stage-1 2/7] RUN x` → the first words that tell one of our steps from the others. */
function bare(name: string): string {
  return similar(name.replace(/^\[[^\]]*\] /, ''))
}

function similar(title: string): string {
  if (title.startsWith('RUN')) return /src/.test(title) ? 'R' : /both/.test(title) ? 'E' : 'T'
  if (title.startsWith('COPY')) return /from/.test(title) ? 'F' : /late/.test(title) ? 'L' : 'S'
  return 'W'
}

for (const { change, mutate, runs, kind, summary } of TABLE) {
  test(`${change} → ${runs === '' ? 'everything is cached' : `${runs} run`}`, async () => {
    const at = bench()
    await base(at)
    // Its own content, so that no other row has built the changed state.
    const context = await at.context({ ...FILES, 'src/b': change })
    const first = await at.build(DOCKERFILE, { context })
    assert.equal(first.image.config.rootfs.diff_ids.length, 7)
    const changed = (await mutate(context, at)) ?? {}
    const second = await at.build(changed.dockerfile ?? DOCKERFILE, { context, ...changed.options })
    assert.equal(ranSteps(second), runs)
    const telling = second.steps.filter(({ status, reason }) => status === 'ran' && reason !== undefined)
    if (kind === undefined) return
    const said = telling.map(({ reason }) => `${reason?.kind}: ${reason?.summary}`)
    const matches = telling.some(({ reason }) => reason?.kind === kind && (summary?.test(reason.summary) ?? true))
    assert.ok(matches, `no step says ${kind} ${summary}: ${said.join(' | ')}`)
    // What only follows from it says so.
    for (const { reason } of telling) assert.notEqual(reason?.kind, 'first-time')
  })
}

test('owner of the checkout does not count', async t => {
  if (process.getuid?.() !== 0) {
    t.diagnostic('needs root to change owners')
    return
  }
  const at = bench()
  await base(at)
  const context = await at.context(FILES)
  await at.build(DOCKERFILE, { context })
  for (const name of ['src', 'src/a', 'src/b', 'late']) await chown(join(context, name), 1234, 1234)
  assert.equal(ranSteps(await at.build(DOCKERFILE, { context })), '')
})

test('a layer whose every form is gone is made anew, and says so', async () => {
  const at = bench()
  await base(at)
  const context = await at.context({ only: 'here and nowhere else' })
  const text = 'FROM base\nRUN echo lost-and-found > /lost'
  const { files } = await at.build(text, { context })
  const layer = files.layers.at(-1) ?? assert.fail()
  for (const { digest } of layer.blobs) await rm(at.store.blobs.path(digest), { force: true })
  const tree = at.store.trees.find(layer.tocDigest)
  if (tree !== undefined) await rm(tree, { recursive: true, force: true })
  const again = await at.build(text, { context })
  const step = again.steps.find(({ name }) => name.includes('RUN'))
  assert.equal(step?.status, 'ran')
  assert.equal(step?.reason?.kind, 'cache-dropped')
  assert.equal(await again.files.text('/lost'), 'lost-and-found\n')
})

test('equal output of a changed step stops the invalidation there', async () => {
  const at = bench()
  await base(at)
  const context = await at.context()
  const text = (how: string) => `FROM base\nRUN ${how} > /f\nRUN cat /f /f > /ff\nRUN cat /ff > /fff`
  await at.build(text('echo x'), { context })
  const { steps } = await at.build(text('printf "x\\n"'), { context })
  assert.deepEqual(
    steps.filter(({ reason }) => reason !== undefined).map(({ status }) => status),
    ['ran', 'cached', 'cached'],
  )
})

test('what runs because of a file below names the step', async () => {
  const at = bench()
  await base(at)
  const context = await at.context(FILES)
  await at.build(DOCKERFILE, { context })
  await writeFile(join(context, 'src/a'), 'changed')
  const { steps } = await at.build(DOCKERFILE, { context })
  const reason = steps.find(({ name }) => name.includes('RUN cat src'))?.reason
  assert.equal(reason?.kind, 'parent-changed')
  assert.match(reason?.summary ?? '', /COPY src \.\/src/)
})
