import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { run } from '../../scripts/bases/process.ts'
import { busyboxRootfs } from '../support/busybox.ts'
import { shale, tmp } from '../support/shale.ts'

const DOCKERFILE = `FROM scratch
COPY . /
ENV GREETING=hello
WORKDIR /srv
ENTRYPOINT ["/bin/echo", "entry"]
CMD ["cmd"]
`

test('run: what the command sees and how it ends', async t => {
  const call = await shale(t)
  const built = await call(['build', '-q', '-t', 'box', '-f', '-', await busyboxRootfs()], { input: DOCKERFILE })
  assert.equal(built.code, 0, built.stderr)
  const folder = await tmp(t)
  await writeFile(join(folder, 'vars'), '# comment\nFROM_FILE=yes\nTAKEN\n')
  await writeFile(join(folder, 'in'), 'of the host\n')
  const sh = '--rm --entrypoint /bin/sh'
  const script = (flags: string, code: string) => [...`${sh} ${flags}`.trim().split(' '), 'box', '-c', code]
  const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
    [['box'], 0, /^entry cmd\n$/],
    [['box', 'a', '--help'], 0, /^entry a --help\n$/],
    [['--entrypoint', 'pwd', 'box'], 0, /^\/srv\n$/],
    [script('', 'exit 42'), 42, /^$/],
    [script('', 'echo $GREETING'), 0, /^hello\n$/],
    [script('-e GREETING=bye -e TAKEN -e ABSENT', 'echo $GREETING $TAKEN $ABSENT.'), 0, /^bye ours \.\n$/],
    [script(`--env-file ${folder}/vars`, 'echo $FROM_FILE $TAKEN'), 0, /^yes ours\n$/],
    [script('-w /tmp/new', 'pwd'), 0, /^\/tmp\/new\n$/],
    [script('-u nobody', 'id -un'), 0, /^nobody\n$/],
    [script('-u 1234:5', 'id -u; id -g'), 0, /^1234\n5\n$/],
    [script('-h there', 'hostname; echo $HOSTNAME'), 0, /^there\nthere\n$/],
    [['--entrypoint', 'env', 'box'], 0, /^HOSTNAME=[0-9a-f]{12}\n(?:.*\n)*HOME=/m],
    [script('-e HOSTNAME=other', 'echo $HOSTNAME'), 0, /^other\n$/],
    [
      script('--network host --add-host db:10.0.0.5 --add-host here:host-gateway', 'cat /etc/hosts'),
      0,
      /\n10\.0\.0\.5\tdb\n127\.0\.0\.1\there\n/,
    ],
    [script('--network none', 'ls /sys/class/net'), 0, /^lo\n$/],
    [script('--read-only', 'touch /x 2>&1'), 1, /Read-only file system/],
    [script(`-v ${folder}:/data`, 'cat /data/in; echo back > /data/out'), 0, /^of the host\n$/],
    [script(`-v ${folder}:/data:ro`, 'touch /data/in 2>&1'), 1, /Read-only file system/],
  ]
  for (const [words, code, stdout] of cases) {
    const result = await call(['run', ...words], { env: { TAKEN: 'ours' }, timeoutMs: 30_000 })
    assert.equal(result.code, code, `${words.join(' ')}: ${result.stderr}`)
    assert.match(result.stdout, stdout, words.join(' '))
  }
  assert.equal(await readFile(join(folder, 'out'), 'utf8'), 'back\n')
  const piped = await call(['run', '--rm', '-i', '--entrypoint', 'cat', 'box'], { input: 'through\n' })
  assert.equal(piped.stdout, 'through\n', piped.stderr)
})

test('run: docker’s exit codes for what is not the command’s', async t => {
  const call = await shale(t)
  await call(['build', '-q', '-t', 'box', '-f', '-', await busyboxRootfs()], { input: DOCKERFILE })
  const cases: readonly (readonly [string, number, RegExp])[] = [
    ['--pull never nothing', 125, /^ERROR: No such image: nothing/],
    ['--foo box', 125, /^unknown flag: --foo/],
    ['', 125, /^"shale container run" requires at least 1 argument\./],
    ['--gpus all box', 125, /^docker's --gpus is not supported by `shale container run` yet/],
    ['-v da/ta:/data box', 125, /includes invalid characters for a local volume name/],
    ['--add-host db box', 125, /^ERROR: bad format for add-host: "db"/],
    ['--add-host db:nowhere box', 125, /^ERROR: invalid IP address in add-host: "nowhere"/],
    ['-v /proc/nothing:/data box', 125, /\/proc\/nothing/],
    ['-u stranger box', 125, /unable to find user stranger[\s\S]*\nhint: create it in the Dockerfile before/],
    ['-it box', 1, /the input device is not a TTY/],
    ['--entrypoint /nothing box', 127, /no such file/i],
    ['--entrypoint /etc/passwd box', 126, /permission denied/i],
  ]
  for (const [line, code, stderr] of cases) {
    const result = await call(['container', 'run', ...line.split(' ').filter(word => word !== '')])
    assert.match(result.stderr, stderr, line)
    assert.equal(result.code, code, line)
  }
})

test('run: an option that Node has too is ours, not Node’s', async t => {
  const { root } = await shale(t)
  const folder = await tmp(t)
  const bin = fileURLToPath(new URL('../../bin/shale', import.meta.url))
  const env = { ...process.env, SHALE_ROOT: root }
  const missing = await run(bin, ['run', '--env-file', join(folder, 'none'), 'box'], { env })
  assert.deepEqual([missing.code, missing.stdout], [125, ''])
  assert.match(missing.stderr, /^ERROR: .*none.*no such file/)
  // What the file sets is for the command, not for us.
  await writeFile(join(folder, 'vars'), 'NODE_OPTIONS=--nonsense\nSHALE_ROOT=/nonexistent\n')
  const found = await run(bin, ['run', '--pull', 'never', '--env-file', join(folder, 'vars'), 'box'], { env })
  assert.deepEqual([found.code, found.stderr.split('\n')[0]], [125, 'ERROR: No such image: box'])
})

test('run: an image of 127 layers', async t => {
  const call = await shale(t)
  const copies = Array.from({ length: 126 }, (_, at) => `COPY <<EOF /f/${at}\n${at}\nEOF`)
  const input = ['FROM scratch', 'COPY . /', ...copies].join('\n')
  const built = await call(['build', '-q', '-t', 'many', '-f', '-', await busyboxRootfs()], { input })
  assert.equal(built.code, 0, built.stderr)
  assert.equal((await call(['inspect', '-f', '{{len .RootFS.Layers}}', 'many'])).stdout, '127\n')
  const { code, stdout, stderr } = await call(['run', '--rm', 'many', 'sh', '-c', 'ls /f | wc -l; cat /f/0 /f/125'])
  assert.deepEqual([code, stdout], [0, '126\n0\n125\n'], stderr)
})
