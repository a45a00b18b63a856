import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { tarOf } from '../build/archives.ts'
import { fixtureTree } from '../support/fixture.ts'
import { shale, tmp } from '../support/shale.ts'
import { atTerminal } from '../support/terminal.ts'

const BIN = fileURLToPath(new URL('../../bin/shale', import.meta.url))

const DOCKERFILE = `ARG FILE=a
FROM scratch AS first
COPY a /
FROM scratch AS last
ARG FILE
ARG NAME=nobody
LABEL name=$NAME
COPY $FILE /
COPY --from=first /a /first
`

test('build: what is printed where', async t => {
  const call = await shale(t)
  const folder = await fixtureTree(await tmp(t), { Dockerfile: DOCKERFILE, a: 'a', b: 'b' })
  const first = await call(['build', '-t', 'app', '-t', 'app:2', folder])
  assert.deepEqual([first.code, first.stdout], [0, ''])
  assert.match(first.stderr, /^#\d+ \[/)
  assert.match(first.stderr, /\nBuilt app:latest, app:2 \([0-9a-f]{12}\) in \d+\.\ds: 2 ran, 1 cached\nRan:\n/)
  const again = await call(['build', '-t', 'app', folder])
  assert.match(again.stderr, /every step came from the cache/)
  await writeFile(join(folder, 'a'), 'changed')
  const changed = await call(['build', '--explain', folder])
  assert.match(changed.stdout, /COPY a \/\n {2}ran: a /)
  const images = (await call(['images', '--format', '{{.Repository}}:{{.Tag}}'])).stdout.split('\n')
  assert.ok(['app:latest', 'app:2', '<none>:<none>'].every(name => images.includes(name)))
})

test('build: what FROM gave is part of the story, and warnings name their lines', async t => {
  const call = await shale(t)
  const folder = await fixtureTree(await tmp(t), { Dockerfile: DOCKERFILE, a: 'a', b: 'b' })
  await call(['build', '-q', '-t', 'app', folder])
  const input = 'FROM app AS x\nMAINTAINER Kim\nCOPY \\\n\n a /x\n'
  const { stdout, stderr } = await call(['build', '--explain', '-f', '-', folder], { input })
  assert.match(stdout, /^\[x 1\/2\] FROM app\n {2}cached: the image sha256:[0-9a-f]{64}, 2 layers\n\[x 2\/2\]/)
  assert.match(stderr, /\n2 warnings found \(`shale explain RULE` tells more\):\n/)
  assert.match(stderr, /\n - MaintainerDeprecated: Maintainer instruction is deprecated .* \(line 2\)\n/)
  assert.match(stderr, /\n - NoEmptyContinuation: Empty continuation line \(line 5\)\n/)
})

test('build: flags', async t => {
  const call = await shale(t)
  const folder = await fixtureTree(await tmp(t), { Dockerfile: DOCKERFILE, a: 'a', b: 'b' })
  const label = ['inspect', '-f', '{{.Config.Labels.name}} {{.Config.Labels.x}}', 'app']
  const flags = [
    '--build-arg',
    'NAME',
    '--build-arg',
    'FILE=b',
    '--label',
    'x=y',
    '--load',
    '--provenance=false',
    '--rm',
  ]
  const files = ['--iidfile', join(folder, 'iid'), '--metadata-file', join(folder, 'meta')]
  const built = await call(['buildx', 'build', '-q', '-t', 'app', ...flags, ...files, folder], {
    env: { NAME: 'mine' },
  })
  assert.deepEqual([built.code, built.stderr], [0, ''])
  assert.equal((await call(label)).stdout, 'mine y\n')
  assert.equal(await readFile(join(folder, 'iid'), 'utf8'), built.stdout.trim())
  const metadata = JSON.parse(await readFile(join(folder, 'meta'), 'utf8')) as Record<string, unknown>
  assert.equal(metadata['containerimage.digest'], built.stdout.trim())
  assert.equal(metadata['image.name'], 'docker.io/library/app:latest')
  const target = await call(['build', '-q', '--target', 'first', '--compression', 'gzip', folder])
  assert.equal((await call(['inspect', '-f', '{{len .RootFS.Layers}}', target.stdout.trim()])).stdout, '1\n')
  const noCache = await call(['build', '--no-cache', '--progress', 'plain', folder])
  assert.doesNotMatch(noCache.stderr, /CACHED/)
})

test('build: files for results that cannot be written are refused before anything is built', async t => {
  const call = await shale(t)
  const folder = await fixtureTree(await tmp(t), { Dockerfile: DOCKERFILE, a: 'a', id: 'of another build' })
  const cases = [
    [
      ['--iidfile', 'no/where'],
      /^ERROR: cannot write --iidfile "no\/where": .*\/no is no folder\nhint: make the folder, or name another file\n$/,
    ],
    [['--metadata-file', 'a/b'], /^ERROR: cannot write --metadata-file "a\/b": .*\/a is no folder\n/],
    [['--iidfile', '.'], /: it is a folder\n/],
  ] as const
  for (const [flags, message] of cases) {
    const { code, stderr } = await call(['build', ...flags, '.'], { cwd: folder })
    assert.deepEqual([code, message.test(stderr)], [1, true], stderr)
  }
  assert.equal((await call(['images', '-aq'])).stdout, '')
  const failed = await call(['build', '--iidfile', 'id', '--target', 'none', '.'], { cwd: folder })
  assert.equal(failed.code, 1)
  await assert.rejects(readFile(join(folder, 'id')), { code: 'ENOENT' }, 'the ID of another build is gone')
})

test('build: a platform that does not exist is refused', async t => {
  const call = await shale(t)
  const folder = await fixtureTree(await tmp(t), { Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n' })
  const cases = [
    ['nonsense/x', 'unknown operating system "nonsense"'],
    ['linux/amd46', 'unknown architecture "amd46"'],
    ['linx', 'unknown operating system or architecture "linx"'],
    ['linux/amd64,linux/x', 'unknown architecture "x"'],
  ] as const
  for (const [platform, why] of cases) {
    const { code, stderr } = await call(['build', '--platform', platform, folder])
    const shown = platform.split(',').at(-1)
    const hint = 'hint: write it as os/architecture, such as linux/amd64 or linux/arm/v7'
    assert.deepEqual([code, stderr], [1, `ERROR: invalid platform "${shown}": ${why}\n${hint}\n`])
  }
  const known = await call(['build', '-q', '--platform', 'Linux/x86_64', folder])
  assert.equal(known.code, 0, known.stderr)
})

test('build: events as JSON lines', async t => {
  const call = await shale(t)
  const folder = await fixtureTree(await tmp(t), { Dockerfile: DOCKERFILE, a: 'a' })
  const { stdout, stderr } = await call(['build', '--progress', 'json', folder])
  assert.equal(stderr, '')
  const events = stdout
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as { readonly type: string })
  assert.deepEqual([events[0]?.type, events.at(-1)?.type], ['started', 'finished'])
})

test('build: Dockerfile and context from elsewhere', async t => {
  const call = await shale(t)
  const folder = await fixtureTree(await tmp(t), { 'docker/Dockerfile.dev': 'FROM scratch\nCOPY a /\n', a: 'a' })
  const named = await call(['build', '-q', '-f', 'docker/Dockerfile.dev', '.'], { cwd: folder })
  assert.match(named.stdout, /^sha256:/, named.stderr)
  const fromStdin = await call(['build', '-q', '-f', '-', folder], { input: 'FROM scratch\nCOPY a /\n' })
  assert.equal(fromStdin.stdout, named.stdout)
  const noContext = await call(['build', '-q', '-'], { input: 'FROM scratch\nLABEL a=b\n' })
  assert.match(noContext.stdout, /^sha256:/, noContext.stderr)
  const nothing = await call(['build', '-q', '-'], { input: 'FROM scratch\nCOPY a /\n' })
  assert.match(nothing.stderr, /^ERROR: "\/a": the build context is empty: the Dockerfile came from standard input/)
  assert.match(nothing.stderr, /\n> 2 \| COPY a \/\n/)
  assert.match(nothing.stderr, /\nhint: name a folder to copy from: shale build -f - \. < Dockerfile/)
  const archive = tarOf([
    { path: 'a', content: 'a' },
    { path: 'x/Dockerfile', content: 'FROM scratch\nCOPY a /\n' },
  ])
  const packed = await call(['build', '-q', '-f', 'x/Dockerfile', '-'], { input: gzipSync(archive) })
  assert.equal(packed.stdout, named.stdout, packed.stderr)
  const twice = await call(['build', '-f', '-', '-'], { input: '' })
  assert.match(twice.stderr, /^ERROR: invalid argument: can’t use stdin for both/)
  const missing = await call(['build', join(folder, 'nowhere')])
  assert.match(missing.stderr, /^ERROR: unable to prepare context: path ".*nowhere" not found/)
})

test('build: outputs', async t => {
  const call = await shale(t)
  const folder = await fixtureTree(await tmp(t), { Dockerfile: 'FROM scratch\nCOPY f /\n', f: 'f' })
  const tar = await call(['build', '-o', '-', '.'], { cwd: folder })
  assert.ok(tar.stdout.includes('ustar') && tar.stdout.includes('\0f\0'), tar.stderr)
  const local = await call(['build', '-q', '-o', 'out', '--iidfile', 'id', '.'], { cwd: folder })
  assert.deepEqual([local.code, local.stdout], [0, ''], local.stderr)
  assert.equal(await readFile(join(folder, 'out/f'), 'utf8'), 'f')
  assert.equal(await readFile(join(folder, 'id'), 'utf8'), '')
  assert.equal((await call(['images', '-q'])).stdout, '')
  const both = await call(['build', '--load', '-t', 'app', '-o', 'type=oci,dest=a.tar', '.'], { cwd: folder })
  assert.match(both.stderr, /\nBuilt app:latest \([0-9a-f]{12}\) in .*\nWrote .*\/a\.tar\n/)
  const names = '"name=one:1,two:2"'
  const many = await call(['build', '-q', '-o', `type=docker,${names}`, '--platform', 'amd64,arm64', '.'], {
    cwd: folder,
  })
  assert.match(many.stdout, /^sha256:/, many.stderr)
  const images = await call(['images', '--format', '{{.Repository}}:{{.Tag}}'])
  assert.deepEqual(images.stdout.trim().split('\n').sort(), ['app:latest', 'one:1', 'two:2'])
})

test('build: --build-context is relative to where one stands, and says how it is written', async t => {
  const call = await shale(t)
  const folder = await fixtureTree(await tmp(t), {
    'app/Dockerfile': 'FROM scratch\nCOPY --from=lib f /\n',
    'lib/f': 'f',
  })
  const built = await call(['build', '-q', '--build-context', 'lib=lib', 'app'], { cwd: folder })
  assert.match(built.stdout, /^sha256:/, built.stderr)
  const wrong = await call(['build', '--build-context', 'lib', 'app'], { cwd: folder })
  assert.match(wrong.stderr, /^ERROR: invalid --build-context "lib"\nhint: write it as name=place/)
})

test('build: --no-cache-filter says which stages there are not', async t => {
  const call = await shale(t)
  const folder = await fixtureTree(await tmp(t), { Dockerfile: 'FROM scratch AS tools\nCOPY a /\n', a: 'a' })
  const { code, stderr } = await call(['build', '--no-cache-filter', 'tool,tools,x-y-z', folder])
  assert.equal(code, 0, stderr)
  assert.match(stderr, /^Warning: --no-cache-filter: there is no stage "tool": did you mean tools\?$/m)
  assert.match(stderr, /^Warning: --no-cache-filter: there is no stage "x-y-z": the stages are tools$/m)
  assert.doesNotMatch(stderr, /no stage "tools"/)
})

test('build: a mistake is shown in the Dockerfile', async t => {
  const call = await shale(t)
  const folder = await fixtureTree(await tmp(t), { Dockerfile: 'FROM scratch\nCPOY a /\n', a: 'a' })
  const { code, stderr } = await call(['build', folder])
  assert.equal(code, 1)
  assert.match(stderr, /^ERROR: .*CPOY/)
  assert.match(stderr, /\nDockerfile:2:1\n {2}1 \| FROM scratch\n> 2 \| CPOY a \/\n {4}\| \^\^\^\^\n/)
  assert.match(stderr, /\nhint: did you mean COPY\?\n/)
  await fixtureTree(folder, { 'docker/dev\x1b[1m': 'FROM scratch\nLABEL a b "c\nCOPY --chmood=1 a /\n' })
  const named = await call(['build', '-f', 'docker/dev\x1b[1m', '.'], { cwd: folder })
  assert.match(named.stderr, /\ndocker\/dev\\x1b\[1m:3:6\n/)
})

test('build: refused options', async t => {
  const call = await shale(t)
  const folder = await fixtureTree(await tmp(t), { Dockerfile: 'FROM scratch\n' })
  const cases: readonly (readonly [string, number, RegExp])[] = [
    ['--progress fancy', 125, /^invalid argument "fancy" for "--progress" flag/],
    ['--compression lz4', 125, /^invalid argument "lz4"/],
    ['--platform linux/amd64/v1/x', 1, /^ERROR: invalid platform/],
    ['-o type=nope', 1, /^ERROR: invalid --output "type=nope": there is no type nope/],
    ['-o type=locl,dest=x', 1, /hint: did you mean local\?/],
    ['-o dest=x', 1, /type is required\nhint: the types are image, local/],
    ['-o type=local', 1, /dest is required: the folder to write to/],
    ['-o type=tar,name=x', 1, /type=tar takes no name\nhint: it takes dest/],
    ['-o type=image,push=maybe', 1, /push=maybe: it is true or false/],
    ['-o - -o type=oci', 1, /only one output can go to the standard output/],
    ['-o type=image,push=true', 1, /tag is needed when pushing/],
    ['--sbom=true', 1, /--sbom is not supported yet/],
    ['-t UPPER', 1, /repository name must be lowercase/],
    ['--add-host db', 125, /^ERROR: bad format for add-host: "db"\nhint: /],
    ['--add-host db:10.0.0.500', 125, /^ERROR: invalid IP address in add-host: "10\.0\.0\.500"\nhint: /],
    ['--build-arg =x', 125, /^ERROR: invalid build argument "=x": it has no name/],
  ]
  for (const [line, code, message] of cases) {
    const result = await call(['build', ...line.split(' '), folder])
    assert.match(result.stderr, message, line)
    assert.equal(result.code, code, line)
  }
})

test('build: a terminal is drawn over and coloured as far as it and NO_COLOR allow', async t => {
  const call = await shale(t)
  const folder = await fixtureTree(await tmp(t), { Dockerfile: 'FROM scratch\nCOPY a /\n', a: 'a' })
  const screenOf = async (env: NodeJS.ProcessEnv) => {
    const all = { PATH: process.env.PATH, HOME: folder, SHALE_ROOT: call.root, ...env }
    const seat = atTerminal([process.execPath, BIN, 'build', folder], all)
    assert.equal(await seat.ended, 0, seat.screen())
    await seat.close()
    return seat.screen()
  }
  const plain = /^#1 \[stage-0 1\/1\] COPY a \//
  const [xterm, colourless, dumb] = [
    await screenOf({ TERM: 'xterm' }),
    await screenOf({ TERM: 'xterm', NO_COLOR: '1' }),
    await screenOf({ TERM: 'dumb' }),
  ]
  const [redrawn, coloured] = ['\x1b[K', '\x1b[36m']
  assert.deepEqual([xterm.includes(redrawn), xterm.includes(coloured), plain.test(xterm)], [true, true, false])
  assert.deepEqual([colourless.includes(redrawn), colourless.includes(coloured)], [true, false])
  assert.deepEqual([dumb.includes('\x1b'), plain.test(dumb)], [false, true])
})
