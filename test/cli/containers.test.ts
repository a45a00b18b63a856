import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { busyboxRootfs } from '../support/busybox.ts'
import { type Shale, shale, tmp } from '../support/shale.ts'

const DOCKERFILE = `FROM scratch
COPY . /
ENV GREETING=hello
LABEL from=image
VOLUME /kept
STOPSIGNAL SIGINT
CMD ["sleep", "100"]
`

/** Ends at once when asked: the first process of a container gets only those signals that it handles. */
const PATIENT = "trap 'echo asked; exit 5' INT TERM; echo ready; while :; do sleep 0.05; done"

type Story = (call: Shale, t: TestContext) => Promise<void>

const stories: (readonly [name: string, body: Story])[] = []

function story(name: string, body: Story): void {
  stories.push([name, body])
}

story('a life in the background', async call => {
  const ok = okOf(call)
  const id = (await ok('run', '-d', '--name', 'web', '-l', 'of=test', 'box', 'sh', '-c', PATIENT)).trim()
  assert.match(id, /^[0-9a-f]{64}$/)
  assert.match(await ok('ps'), /^CONTAINER ID +IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES\n/)
  assert.match(await ok('ps'), new RegExp(`${id.slice(0, 12)} +box +"sh -c trap .*…" .* Up .* web\n$`))
  await logsHave(call, 'web', /^ready\n$/)
  assert.equal(await ok('stop', 'web'), 'web\n')
  assert.equal(await ok('logs', id.slice(0, 5)), 'ready\nasked\n')
  assert.equal(await ok('wait', 'web'), '5\n')
  assert.equal(await ok('ps', '-q'), '')
  assert.match(
    await ok('ps', '-a', '--format', '{{.Names}} {{.State}} {{.Status}}'),
    /^web exited Exited \(5\) .*ago\n$/,
  )
  const inspected = await ok('inspect', '-f', '{{.Name}} {{.State.ExitCode}} {{.Config.StopSignal}} {{.Path}}', 'web')
  assert.equal(inspected, '/web 5 SIGINT sh\n')
  await ok('start', 'web')
  await logsHave(call, 'web', /asked\nready\n$/)
  assert.match(
    (await call(['rm', 'web'])).stderr,
    /^ERROR: cannot remove container "\/web": container is running: stop/,
  )
  await ok('rename', 'web', 'shop')
  assert.equal(await ok('restart', '-t', '5', 'shop'), 'shop\n')
  assert.equal(await ok('kill', 'shop'), 'shop\n')
  assert.equal(await ok('wait', 'shop'), '137\n')
  const kill = await call(['kill', 'shop'])
  assert.deepEqual(
    [kill.code, kill.stderr],
    [1, `ERROR: cannot kill container: shop: container ${id} is not running\n`],
  )
  assert.equal(await ok('rm', '-v', 'shop'), 'shop\n')
  assert.equal(await ok('volume', 'ls', '-q'), '')
  assert.deepEqual(await readdir(join(call.root, 'containers')), [])
})

story('what is written stays until rm, what is on volumes longer', async call => {
  const ok = okOf(call)
  const script = 'cat /own /kept/own 2>/dev/null; echo one >> /own; echo two >> /kept/own'
  await ok('create', '--name', 'job', '-v', 'data:/kept', 'box', 'sh', '-c', script)
  assert.equal(await ok('ps', '-a', '--format', '{{.State}} {{.Mounts}}'), 'created data\n')
  for (const expected of ['', 'one\ntwo\n']) {
    const before = await ok('logs', 'job')
    await ok('start', 'job')
    assert.equal(await ok('wait', 'job'), '0\n')
    assert.equal((await ok('logs', 'job')).slice(before.length), expected)
  }
  assert.match((await call(['volume', 'rm', 'data'])).stderr, /volume is in use/)
  await ok('rm', '-v', 'job')
  assert.equal(await ok('volume', 'rm', 'data'), 'data\n')
})

story('restart policies', async call => {
  const ok = okOf(call)
  await ok('run', '-d', '--name', 'again', '--restart', 'on-failure:2', 'box', 'sh', '-c', 'echo try; exit 3')
  assert.equal(await ok('wait', 'again'), '3\n')
  assert.equal(await ok('logs', 'again'), 'try\n'.repeat(3))
  assert.equal(
    await ok('inspect', '-f', '{{.RestartCount}} {{.HostConfig.RestartPolicy.Name}}', 'again'),
    '2 on-failure\n',
  )
  await ok('run', '-d', '--name', 'always', '--restart', 'always', 'box', 'sh', '-c', 'echo up; sleep 0.2')
  await logsHave(call, 'always', /up\nup\n/)
  await ok('stop', '-t', '1', 'always')
  assert.match(await ok('ps', '-a', '--format', '{{.Status}}', '--filter', 'name=always'), /^Exited/)
})

story('--rm leaves nothing, in front and behind', async call => {
  const ok = okOf(call)
  assert.equal(await ok('run', '--rm', 'box', 'echo', 'done'), 'done\n')
  const id = (await ok('run', '-d', '--rm', '--name', 'gone', 'box', 'sh', '-c', PATIENT)).trim()
  await logsHave(call, 'gone', /^ready\n$/)
  const waiting = call(['wait', 'gone'])
  await isWaitedFor(call, id)
  await ok('stop', 'gone')
  assert.deepEqual(await waiting, { code: 0, stdout: '5\n', stderr: '' })
  await gone(call, 'gone')
  assert.equal(await ok('ps', '-aq'), '')
  assert.deepEqual(await readdir(join(call.root, 'containers')), [])
  assert.equal((await call(['run', 'box', 'false'])).code, 1)
  assert.match(await ok('ps', '-a', '--format', '{{.Status}}'), /^Exited \(1\)/)
})

story('a killed supervisor takes its container along, and ps tells so', async call => {
  const ok = okOf(call)
  const id = (await ok('run', '-d', '--name', 'left', 'box', 'sleep', '1000')).trim()
  const supervisor = (await readdir('/proc')).filter(name => /^\d+$/.test(name)).find(pid => isSupervisorOf(pid, id))
  assert.ok(supervisor)
  process.kill(Number(supervisor), 'SIGKILL')
  assert.equal(await ok('wait', 'left'), '137\n')
  assert.match(await ok('ps', '-a', '--format', '{{.Status}}'), /^Exited \(137\)/)
  assert.equal(await ok('inspect', '-f', '{{.State.Error}}', 'left'), 'its supervisor was killed\n')
  await ok('start', 'left')
  assert.match(await ok('ps', '--format', '{{.Status}}'), /^Up /)
})

story('logs by number, time and size', async call => {
  const ok = okOf(call)
  const script = 'for n in 1 2 3 4; do echo line $n; done; echo bad >&2; printf "no end"'
  await ok('run', '-d', '--name', 'talk', 'box', 'sh', '-c', script)
  await ok('wait', 'talk')
  const { stdout, stderr } = await call(['logs', 'talk'])
  assert.deepEqual([stdout, stderr], ['line 1\nline 2\nline 3\nline 4\nno end', 'bad\n'])
  assert.equal(await ok('logs', '--tail', '0', 'talk'), '')
  assert.equal(await ok('logs', '--since', '1h', '--until', '30m', 'talk'), '')
  assert.match(await ok('logs', '-f', '-t', '--since', '1h', 'talk'), /^\d{4}-\d\d-\d\dT[\d:.]+Z line 1\n/)
  await ok('run', '-d', '--name', 'flood', '--log-opt', 'max-size=10k', '--log-opt', 'max-file=2', 'box', 'seq', '5000')
  await ok('wait', 'flood')
  const [folder = ''] = (await ok('inspect', '-f', '{{.LogPath}}', 'flood')).split('\n')
  const sizes = [folder, `${folder}.1`].map(path => readFileSync(path).length)
  assert.ok(
    sizes.every(size => size > 0 && size < 10_400),
    String(sizes),
  )
  assert.equal(existsSync(`${folder}.2`), false)
  assert.match(await ok('logs', '--tail', '1', 'flood'), /^5000\n$/)
})

story('filters', async call => {
  const ok = okOf(call)
  for (const [name, code] of [
    ['first', '0'],
    ['second', '4'],
  ] as const) {
    await ok(
      'run',
      '-d',
      '--name',
      name,
      '-l',
      `is=${name}`,
      '-v',
      `${name}-data:/kept`,
      'box',
      'sh',
      '-c',
      `exit ${code}`,
    )
    await ok('wait', name)
  }
  await ok('create', '--name', 'third', 'box')
  const cases: readonly (readonly [filters: readonly string[], names: string])[] = [
    [[], 'third second first'],
    [['name=ir'], 'third first'],
    [['name=^/first$'], 'first'],
    [['label=is=second'], 'second'],
    [['label=from=image', 'label=is'], 'second first'],
    [['exited=4'], 'second'],
    [['status=created', 'status=running'], 'third'],
    [['ancestor=box:latest', 'exited=0'], 'first'],
    [['before=second'], 'first'],
    [['since=first'], 'third second'],
    [['volume=first-data'], 'first'],
    [['volume=/kept', 'status=exited'], 'second first'],
  ]
  for (const [filters, names] of cases) {
    const words = filters.flatMap(filter => ['--filter', filter])
    const listed = await ok('ps', '-a', '--format', '{{.Names}}', ...words)
    assert.equal(listed.trim().split('\n').join(' '), names, filters.join())
  }
  assert.equal(await ok('ps', '-a', '--format', '{{.Label "is"}}', '-n', '2'), '\nsecond\n')
  assert.match((await call(['ps', '--filter', 'nme=x'])).stderr, /invalid filter 'nme'\nDid you mean 'name'/)
})

story('what is refused', async (call, t) => {
  const folder = await tmp(t)
  await writeFile(join(folder, 'cid'), 'other')
  await okOf(call)('create', '--name', 'taken', 'box')
  const cases: readonly (readonly [words: string, code: number, stderr: RegExp])[] = [
    ['run -d box nope', 127, /exec: "nope": executable file not found in \$PATH/],
    ['run -d box /etc', 126, /^ERROR: exec: "\/etc"/],
    ['run -d --name taken box', 125, /The container name "\/taken" is already in use by container "[0-9a-f]{64}"/],
    ['run -d --name a,b box', 125, /Invalid container name \(a,b\), only/],
    ['run -d --rm --restart always box', 125, /cannot specify both --restart and --rm/],
    ['run -d --restart sometimes box', 125, /invalid restart policy: unknown policy 'sometimes'/],
    ['run -d --restart always:3 box', 125, /maximum retry count can only be used with 'on-failure'/],
    ['run -d --stop-signal HUH box', 125, /invalid signal: HUH/],
    ['run -d --log-opt size=3 box', 125, /unknown log opt 'size'/],
    [`run -d --cidfile ${folder}/cid box`, 125, /container ID file found/],
    [`run -d --cidfile ${folder}/no/where box`, 125, /^ERROR: cannot write --cidfile ".*\/no is no folder\n/],
    ['run -d -u nobody-known box', 125, /nobody-known/],
    ['run -d --health-interval often box', 125, /invalid value "often" for --health-interval/],
    ['stop nothing', 1, /^ERROR: No such container: nothing\n$/],
    ['inspect nothing', 1, /^ERROR: No such object: nothing\n$/],
    ['container inspect box', 1, /^ERROR: No such container: box\n$/],
    ['rm -f nothing', 0, /No such container: nothing/],
    ['rename taken taken2 x', 1, /./],
    ['rename taken taken', 1, /^ERROR: Renaming a container with the same name as its current name\n/],
    ['create --name t box', 1, /\(t\), only .* are allowed\nhint: a name has two characters at least\n/],
    ['ps -n few', 125, /^invalid argument "few" for "-n, --last" flag: it is a whole number\nSee 'shale ps --help'\./],
  ]
  for (const [words, code, stderr] of cases) {
    const result = await call(words.split(' '))
    assert.match(result.stderr, stderr, words)
    assert.equal(result.code, code, words)
  }
  assert.equal(await okOf(call)('ps', '-a', '--format', '{{.Status}}', '--filter', 'status=exited'), '')
})

story('system df and info count containers that run, and images that are used', async call => {
  const ok = okOf(call)
  const counts = async () => (await ok('system', 'df', '--format', '{{.Type}} {{.TotalCount}} {{.Active}}')).split('\n')
  const reclaimable = async () =>
    (await ok('system', 'df', '--format', '{{.Type}} {{.Reclaimable}}')).split('\n').slice(0, 2).join()
  const [before = ''] = await counts()
  assert.match(before, /^Images \d+ 0$/)
  await ok('run', '-d', '--name', 'runs', 'box')
  await ok('create', '--name', 'waits', 'box')
  const [images = '', containers] = await counts()
  assert.equal(images, before.replace(/0$/, '1'))
  assert.equal(containers, 'Containers 2 1')
  const verbose = await ok('system', 'df', '-v')
  assert.match(
    verbose,
    /\nContainers space usage:\n\nCONTAINER ID +IMAGE +COMMAND +LOCAL VOLUMES +SIZE +CREATED +STATUS +NAMES\n/,
  )
  assert.match(verbose, /\n[0-9a-f]{12} +box +"sleep 100" +1 +\S+B +\S.* ago +Up .* runs\n/)
  assert.match(verbose, /\nVOLUME NAME +LINKS +SIZE\n[0-9a-f]{64} +1 +\S+B\n/)
  const fields = '{{range .Containers}}{{.Names}} {{.State}} {{end}}{{range .Volumes}}{{.Links}} {{end}}'
  assert.equal(await ok('system', 'df', '-v', '--format', fields), 'waits created runs running 1 1 \n')
  assert.equal(await ok('info', '--format', '{{.Containers}} {{.ContainersRunning}} {{.ContainersStopped}}'), '2 1 1\n')
  await ok('rm', '-f', 'waits')
  assert.match(await reclaimable(), /,Containers 0B \(0%\)$/)
})

story('diff and commit: what was written, as a list and as an image', async call => {
  const ok = okOf(call)
  const script = 'echo x > /new; rm /etc/group; echo own > /kept/file; sleep 100'
  await ok('run', '-d', '--name', 'written', '-e', 'SET=yes', 'box', 'sh', '-c', script)
  for (let turn = 0; turn < 50 && !(await ok('diff', 'written')).includes('D'); turn++);
  assert.equal(await ok('diff', 'written'), 'C /etc\nD /etc/group\nA /new\n')
  const digest = (await ok('commit', '-a', 'somebody', '-m', 'as it is', 'written', 'written:1')).trim()
  await ok('rm', '-fv', 'written')
  assert.equal(
    await ok('run', '--rm', 'written:1', 'sh', '-c', 'cat /new; ls /kept; echo $SET $GREETING'),
    'x\nyes hello\n',
  )
  assert.match(
    await ok('inspect', '-f', '{{.Id}} {{.Author}} {{.Comment}}', 'written:1'),
    new RegExp(`^${digest} somebody as it is`),
  )
  assert.match(await ok('system', 'check'), /^All is well/)
  await ok('rmi', 'written:1')
})

story('export and import: all files as a tar, and an image of one layer from it', async (call, t) => {
  const ok = okOf(call)
  const file = join(await tmp(t), 'files.tar')
  const script = 'echo x > /new; ln -s new /link; rm /etc/group; echo v > /kept/file'
  await ok('run', '--name', 'flat', 'box', 'sh', '-c', script)
  await ok('export', '-o', file, 'flat')
  const changes = ['-c', 'CMD ["cat", "/link"]', '-c', 'ENV HOW=imported', '-c', 'WORKDIR /etc']
  await ok('import', ...changes, '-m', 'all in one', file, 'flat:1')
  assert.equal(await ok('run', '--rm', 'flat:1'), 'x\n')
  const looked = await ok('run', '--rm', 'flat:1', 'sh', '-c', 'pwd; echo $HOW; ls /kept; test -e group || echo none')
  assert.equal(looked, '/etc\nimported\nnone\n')
  assert.equal(await ok('inspect', '-f', '{{.Comment}} {{len .RootFS.Layers}}', 'flat:1'), 'all in one 1\n')
  await writeFile(join(file, '..', 'text'), 'no tar '.repeat(200))
  const cases: readonly (readonly [words: readonly string[], stderr: RegExp])[] = [
    [['import', join(file, '..', 'text')], /^ERROR: cannot import .*text: /],
    [['import', '/nothing/there'], /^ERROR: cannot read \/nothing\/there: no such file/],
    [['import', '-c', 'RUN true', file], /^ERROR: run is not a valid change command: RUN true/],
    [['export', '-o', '/nothing/there', 'flat'], /the folder "\/nothing" does not exist/],
  ]
  for (const [words, stderr] of cases) {
    const result = await call(words)
    assert.match(result.stderr, stderr)
    assert.equal(result.code, 1, words.join(' '))
  }
  const committed = (await ok('commit', '-c', 'USER 7', 'flat')).trim()
  assert.equal(await ok('run', '--rm', committed, 'id', '-u'), '7\n')
  assert.match(await ok('system', 'check'), /^All is well/)
  await ok('rmi', 'flat:1', committed)
})

story('stats: what containers take, once and again', async call => {
  const ok = okOf(call)
  await ok('run', '-d', '--name', 'busy', '-m', '64m', 'box', 'sh', '-c', 'sleep 100 & while :; do :; done')
  await ok('create', '--name', 'idle', 'box')
  const listed = await ok('stats', '--no-stream')
  const heading = /^CONTAINER ID +NAME +CPU % +MEM USAGE \/ LIMIT +MEM % +NET I\/O +BLOCK I\/O +PIDS\n/
  assert.match(listed, heading)
  assert.match(listed, /\n[0-9a-f]{12} +busy +[\d.]+% +[\d.]+[KM]iB \/ 64MiB +[\d.]+% +\S+ \/ \S+ +\S+ \/ \S+ +2\n$/)
  const format = '{{.Name}} {{.CPUPerc}} {{.PIDs}}'
  const all = await ok('stats', '--no-stream', '-a', '--format', format, 'busy', 'idle')
  const [, share = '0'] = /^busy ([\d.]+)% 2\nidle 0.00% 0\n$/.exec(all) ?? []
  assert.ok(Number(share) > 5 && Number(share) < 150, all)
  assert.match((await call(['stats', '--no-stream', 'nobody'])).stderr, /^ERROR: No such container: nobody/)
})

story('update: limits and restart policy of a container that runs', async call => {
  const ok = okOf(call)
  await ok('run', '-d', '--name', 'fixed', '-m', '64m', 'box', 'sh', '-c', PATIENT)
  assert.equal(await ok('update', '-m', '128m', 'fixed'), 'fixed\n')
  // Where no memory controller is to be had, `run` says so, and there is no group to look at.
  const pid = (await ok('inspect', '-f', '{{.State.Pid}}', 'fixed')).trim()
  const group = memoryGroup(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))
  if (group !== undefined) assert.equal(readFileSync(group, 'utf8'), `${128 * 1024 * 1024}\n`)
  assert.match(await ok('stats', '--no-stream', '--format', '{{.MemUsage}}'), / 128MiB\n$/)
  await ok('update', '--restart', 'on-failure:1', 'fixed')
  const policy = '{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.Memory}}'
  assert.equal(await ok('inspect', '-f', policy, 'fixed'), 'on-failure 134217728\n')
  await ok('exec', 'fixed', 'kill', '-INT', '1')
  await logsHave(call, 'fixed', /^ready\nasked\nready\n$/)
  const cases: readonly (readonly [words: string, stderr: RegExp])[] = [
    ['update fixed', /you must provide one or more flags/],
    ['update --restart often fixed', /invalid restart policy: unknown policy 'often'/],
    ['update -m 1m fixed', /Minimum memory limit allowed is 6MB/],
    ['update -m 64m nobody', /No such container: nobody/],
  ]
  for (const [words, stderr] of cases) {
    const result = await call(words.split(' '))
    assert.match(result.stderr, stderr)
    assert.notEqual(result.code, 0, words)
  }
})

story('health checks: of the image and of the flags', async call => {
  const ok = okOf(call)
  const dockerfile = 'FROM box\nHEALTHCHECK --interval=100ms --retries=2 CMD echo looked; test -e /ready\n'
  const built = await call(['build', '-q', '-t', 'checked', '-'], { input: dockerfile })
  assert.equal(built.code, 0, built.stderr)
  await ok('run', '-d', '--name', 'well', 'checked')
  const is = async (status: string) => {
    for (let turn = 0; turn < 100; turn++) {
      if ((await ok('ps', '--format', '{{.Status}}', '--filter', 'name=well')).includes(`(${status})`)) return
    }
    assert.fail(`never ${status}: ${await ok('inspect', '-f', '{{json .State.Health}}', 'well')}`)
  }
  await is('unhealthy')
  await ok('exec', 'well', 'touch', '/ready')
  await is('healthy')
  assert.equal(await ok('ps', '-q', '--filter', 'health=unhealthy'), '')
  const last = '{{range .State.Health.Log}}{{.ExitCode}} {{.Output}}{{end}}'
  assert.match(await ok('inspect', '-f', last, 'well'), /0 looked\n/)
  await ok('rm', '-f', 'well')
  await ok('run', '-d', '--name', 'well', '--health-cmd', 'sleep 9', '--health-timeout', '50ms', 'checked')
  await is('unhealthy')
  assert.match(await ok('inspect', '-f', last, 'well'), /-1 Health check exceeded timeout/)
  await ok('rm', '-f', 'well')
  await ok('run', '-d', '--name', 'well', '--no-healthcheck', 'checked')
  assert.doesNotMatch(await ok('ps', '--format', '{{.Status}}'), /health/)
  await ok('rm', '-f', 'well')
  await ok('rmi', 'checked')
})

story('system prune takes anonymous volumes when asked, and its dry run tells the truth', async call => {
  const ok = okOf(call)
  const id = (await ok('create', '--name', 'over', '-v', 'named:/named', 'box')).trim()
  const volume = (await ok('volume', 'ls', '-q')).split('\n').find(name => name !== 'named') ?? ''
  await ok('run', '-d', '--name', 'user', 'box')
  const [used = ''] = (await ok('inspect', '-f', '{{(index .Mounts 0).Name}}', 'user')).split('\n')
  assert.match(
    await ok('system', 'prune', '--volumes', '--dry-run'),
    new RegExp(`^Would delete containers:\\n${id}\\n\\nWould delete volumes:\\n${volume}\\n`),
  )
  const dated = await call(['system', 'prune', '-f', '--volumes', '--filter', 'until=1h'])
  assert.match(dated.stderr, /^ERROR: the "until" filter is not supported with "--volumes"/)
  const labelled = await ok('system', 'prune', '-f', '--filter', 'label=nope', '--volumes')
  assert.doesNotMatch(labelled, /Deleted (?:Containers|Volumes)/)
  assert.match(
    await ok('system', 'prune', '-f', '--volumes'),
    new RegExp(`^Deleted Containers:\n${id}\n\nDeleted Volumes:\n${volume}\n\n`),
  )
  assert.deepEqual((await ok('volume', 'ls', '-q')).trim().split('\n').sort(), [used, 'named'].sort())
})

story('images of containers stay, and stopped containers can be pruned', async call => {
  const ok = okOf(call)
  await ok('run', '-d', '--name', 'user', 'box')
  const refused = await call(['rmi', '-f', 'box'])
  assert.match(refused.stderr, /cannot be forced\) - image is being used by running container/)
  assert.match(await ok('image', 'prune', '-af'), /^Total reclaimed space/)
  await ok('stop', '-t', '0', 'user')
  assert.match((await call(['rmi', 'box'])).stderr, /must be forced\) - image is being used by stopped container/)
  await ok('rmi', '-f', 'box')
  await ok('start', 'user')
  await ok('kill', 'user')
  assert.match(await ok('container', 'prune', '-f'), /^Deleted Containers:\n[0-9a-f]{64}\n\nTotal reclaimed space: /)
  assert.equal(await ok('ps', '-aq'), '')
})

test('containers', async t => {
  const call = await shale(t, { timeoutMs: 60_000 })
  const built = await call(['build', '-q', '-t', 'box', '-f', '-', await busyboxRootfs()], { input: DOCKERFILE })
  assert.equal(built.code, 0, built.stderr)
  for (const [name, body] of stories) {
    await t.test(name, async t => {
      try {
        await body(call, t)
      } finally {
        const ids = (await call(['ps', '-aq', '--no-trunc'])).stdout.split('\n').filter(id => id !== '')
        if (ids.length > 0) await call(['rm', '-fv', ...ids])
        await call(['volume', 'prune', '-af'])
      }
    })
  }
})

function okOf(call: Shale) {
  return async (...words: string[]): Promise<string> => {
    const { code, stdout, stderr } = await call(words)
    assert.equal(code, 0, `${words.join(' ')}: ${stderr}`)
    return stdout
  }
}

/** Follows the log until it has this, without a clock of our own. */
async function logsHave(call: Shale, name: string, pattern: RegExp): Promise<void> {
  for (let turn = 0; turn < 50; turn++) if (pattern.test((await call(['logs', name])).stdout)) return
  assert.match((await call(['logs', name])).stdout, pattern)
}

/** The file of the memory limit, when the processes are in a group of ours. */
function memoryGroup(cgroups: string): string | undefined {
  const [, controllers, path] = /^\d+:(memory|):.*(\/shale\/.*)$/m.exec(cgroups) ?? []
  if (path === undefined) return undefined
  const folders = controllers === '' ? ['/sys/fs/cgroup'] : ['/sys/fs/cgroup/memory']
  const files = folders.map(folder => join(folder, path, controllers === '' ? 'memory.max' : 'memory.limit_in_bytes'))
  return files.find(file => existsSync(file))
}

async function gone(call: Shale, name: string): Promise<void> {
  for (let turn = 0; turn < 50; turn++) if ((await call(['container', 'inspect', name])).code !== 0) return
  assert.fail(`${name} is still there`)
}

/** A `wait` that begins after the container is gone finds none; one that has reached it keeps its folder open. */
async function isWaitedFor(call: Shale, id: string): Promise<void> {
  const folder = join(call.root, 'containers', id)
  for (let turn = 0; turn < 50; turn++) {
    await call(['ps', '-q'])
    if ((await readdir('/proc')).some(pid => /^\d+$/.test(pid) && waitsAt(pid, folder))) return
  }
  assert.fail(`nobody waits for ${id}`)
}

function waitsAt(pid: string, folder: string): boolean {
  try {
    const waits = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0').includes('wait')
    return waits && readdirSync(`/proc/${pid}/fd`).some(fd => readlinkSync(`/proc/${pid}/fd/${fd}`) === folder)
  } catch {
    return false
  }
}

function isSupervisorOf(pid: string, id: string): boolean {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0')
    return words.includes(id) && words.some(word => /supervisor-main\.[ct]/.test(word))
  } catch {
    return false
  }
}
