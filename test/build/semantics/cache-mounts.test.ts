import assert from 'node:assert/strict'
import { test } from 'node:test'
import { builds, failures, sharedBench } from './cases.ts'

const bench = sharedBench()

builds(bench, [
  {
    title: 'a cache is known by its target unless it has an id',
    dockerfile: `FROM busybox
RUN --mount=type=cache,target=/mycache touch /mycache/foo
RUN --mount=type=cache,target=/mycache2 [ ! -f /mycache2/foo ]
RUN --mount=type=cache,target=/mycache [ -f /mycache/foo ]
RUN --mount=type=cache,target=/other,id=/mycache [ -f /other/foo ]
RUN --mount=type=cache,target=/mycache,ro ! touch /mycache/x 2> /dev/null`,
    absent: ['/mycache', '/mycache2', '/other'],
  },
  {
    title: 'the root of a cache has owner and mode, and with others it is another cache',
    dockerfile: `FROM busybox
RUN --mount=type=cache,target=/mycache,uid=1001,gid=1002,mode=0751 [ "$(stat -c "%u %g %f" /mycache)" = "1001 1002 41e9" ] && touch /mycache/a
RUN --mount=type=cache,target=/mycache [ "$(stat -c "%u %g %a" /mycache)" = "0 0 755" ] && [ ! -e /mycache/a ]`,
  },
  {
    title: 'variables in options of a mount are expanded: ENV, ARG, those of a stage above, and global ones',
    dockerfile: `ARG META=/tmp/meta
FROM busybox AS stage1
ARG META
ARG MNT_TYPE=cache
ENV SOME_PATH=/envcache MNT_ID=byenv MNT_TYPE2=cache
RUN --mount=type=cache,target=/envcache touch /envcache/foo
RUN --mount=type=cache,target=$SOME_PATH [ -f $SOME_PATH/foo ]
RUN --mount=type=$MNT_TYPE,target=/argcache touch /argcache/foo
RUN --mount=type=cache,target=/argcache [ -f /argcache/foo ]
RUN --mount=type=cache,id=meta,target=/tmp/meta touch /tmp/meta/foo
RUN --mount=type=cache,id=meta,target=$META [ -f /tmp/meta/foo ]
RUN --mount=type=cache,id=byenv,target=/abcabc touch /abcabc/foo
FROM stage1
RUN --mount=type=$MNT_TYPE2,id=$MNT_ID,target=/whatever [ -f /whatever/foo ]`,
  },
  {
    title: 'a trigger shares its cache with the image that it runs in',
    dockerfile:
      'FROM busybox\nONBUILD RUN --mount=type=cache,target=/triggered echo -n 42 >> /triggered/foo && echo -n 11 >> /bar',
    options: { tags: ['with-cache-trigger'] },
    check: async (_, used) => {
      await used.build(
        'FROM with-cache-trigger\nRUN --mount=type=cache,target=/triggered [ "$(cat /triggered/foo)" = 42 ] && [ "$(cat /bar)" = 11 ]',
      )
    },
  },
  {
    title: 'a cache may begin with the files of a stage, and be a folder of its own',
    dockerfile: `FROM busybox AS seed
RUN mkdir -p /seed/sub && echo -n s > /seed/sub/f && chown -R 5:6 /seed
FROM busybox
RUN --mount=type=cache,id=seeded,from=seed,source=/seed,target=/c cat /c/sub/f > /one && stat -c %u:%g /c/sub/f > /own && echo -n t >> /c/sub/f
RUN --mount=type=cache,id=seeded,from=seed,source=/seed,target=/c cat /c/sub/f > /two
RUN --mount=type=cache,id=parts,target=/p mkdir -p /p/a && echo -n in > /p/a/f
RUN --mount=type=cache,id=parts,source=a,target=/q cat /q/f > /three`,
    files: { '/one': 's', '/two': 'st', '/three': 'in', '/own': '5:6\n' },
  },
])

test('parallel stages use nested caches at once', async () => {
  const stage = (name: string, text: string) =>
    `FROM alpine AS ${name}\nRUN --mount=type=cache,target=/foo/bar --mount=type=cache,target=/foo/bar/baz echo ${text}\n`
  const dockerfile = `${stage('b1', '1')}${stage('b2', '2')}FROM scratch\nCOPY --from=b1 /etc/passwd p1\nCOPY --from=b2 /etc/passwd p2`
  for (let round = 0; round < 3; round++) await bench().build(dockerfile, { noCache: true, parallelism: 2 })
})

/** Two stages that use the cache at once, unless they are kept from it: each waits for the other's mark. */
function meeting(sharing: string, id: string): string {
  const stage = (own: string, other: string) => `FROM busybox AS s${own}
RUN --mount=type=cache,id=${id},target=/c,sharing=${sharing} touch /c/${own}; \\
  i=0; while [ ! -e /c/${other} ] && [ $i -lt 15 ]; do sleep 0.1; i=$((i+1)); done; ls /c > /seen; rm /c/${own}\n`
  return `${stage('1', '2')}${stage('2', '1')}FROM scratch\nCOPY --from=s1 /seen /s1\nCOPY --from=s2 /seen /s2`
}

test('sharing: shared caches meet, private ones do not, locked ones take turns', async () => {
  const seen = async (sharing: string) => {
    const { files } = await bench().build(meeting(sharing, sharing), { parallelism: 2 })
    return [await files.text('/s1'), await files.text('/s2')].map(list => list?.trim().split('\n').join(' '))
  }
  assert.ok((await seen('shared')).includes('1 2'), 'at least one has seen both')
  assert.deepEqual(await seen('private'), ['1', '2'])
  assert.deepEqual(await seen('locked'), ['1', '2'])
  assert.equal(
    bench()
      .store.cacheMounts.list()
      .filter(({ record }) => record.title.includes('"private"')).length,
    2,
  )
  assert.equal(
    bench()
      .store.cacheMounts.list()
      .filter(({ record }) => record.title.includes('"locked"')).length,
    1,
  )
  assert.ok(
    bench()
      .store.cacheMounts.list()
      .every(({ inUse }) => !inUse),
  )
})

test('without the cache, caches begin anew', async () => {
  const dockerfile =
    'FROM busybox\nARG FOO=abc\nRUN --mount=type=cache,target=/cache,mode=0773 touch /cache/$FOO && ls -l /cache | wc -l > /out'
  const count = async (foo: string, noCache: boolean) =>
    Number(await (await bench().build(dockerfile, { buildArgs: { FOO: foo }, noCache })).files.text('/out'))
  assert.deepEqual([await count('abc', true), await count('def', true), await count('ghi', false)], [2, 2, 3])
})

test('what is in a cache does not enter the key, its id does, and the reason says so', async () => {
  const context = await bench().context()
  const step = async (flags: string) => {
    const text = `FROM busybox\nRUN --mount=type=cache,target=/k${flags} date >> /k/log`
    const { steps } = await bench().build(text, { context })
    const found = steps.find(({ name }) => name.includes('RUN'))
    return [found?.status, found?.reason?.details.join()]
  }
  await step('')
  assert.equal((await step(''))[0], 'cached')
  const [status, why] = await step(',id=other')
  assert.equal(status, 'ran')
  assert.match(why ?? '', /mount \/k changed from cache,id=\/k,sharing=shared to cache,id=other,sharing=shared/)
})

failures(bench, [
  {
    title: 'a link in a cache does not lead out of it',
    dockerfile: `FROM busybox AS init
RUN --mount=type=cache,id=sourceescape,target=/cache mkdir -p /cache/sel && echo benign > /cache/sel/benign.txt
FROM init AS link
RUN --mount=type=cache,id=sourceescape,target=/cache rm -rf /cache/sel && ln -s /etc /cache/sel
FROM link AS victim
RUN --mount=type=cache,id=sourceescape,source=sel,target=/victim cat /victim/hostname`,
    message: /cannot mount "sel": it is not in what is mounted/,
    lines: [6, 6],
  },
])
