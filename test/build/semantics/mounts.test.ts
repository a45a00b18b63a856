import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { builds, failures, sharedBench } from './cases.ts'

const bench = sharedBench()
const UNIQUE = 'cat /dev/urandom | head -c 100 | sha256sum > /unique'

builds(bench, [
  {
    title: 'a mount is a bind mount of the context, unless it says otherwise',
    dockerfile: 'FROM busybox\nRUN --mount=target=/context [ "$(cat /context/testfile)" = contents0 ] && touch /done',
    context: { testfile: 'contents0' },
    entries: { '/done': 'file 0644 0:0' },
    absent: ['/context'],
  },
  {
    title: 'a bind mount of the context leaves out what is ignored, belongs to root and cannot be written to',
    dockerfile:
      'FROM busybox\nWORKDIR /w\nRUN --mount=source=sub,target=in ls in > /list && stat -c "%u:%g %a" in/a > /stat; touch in/x 2> /err || true',
    context: { 'sub/a': { content: 'a', mode: 0o640, owner: [12, 13] }, 'sub/b': 'b', '.dockerignore': 'sub/b\n' },
    files: { '/list': 'a\n', '/stat': '0:0 640\n', '/err': 'touch: in/x: Read-only file system\n' },
    absent: ['/w/in'],
  },
  {
    title: 'a bind mount of a stage or an image shows what is there, links followed beneath its root',
    dockerfile:
      'FROM busybox AS out\nRUN mkdir -p /o/deep && echo -n hi > /o/deep/f && ln -s /o/deep /link && rm /etc/group\n' +
      'FROM busybox\nRUN --mount=from=out,source=/link,target=/m cat /m/f > /one\n' +
      'RUN --mount=from=out,target=/m [ ! -e /m/etc/group ] && cat /m/o/deep/f > /two\n' +
      'RUN --mount=from=alpine,source=/etc/alpine-release,target=/etc/other cat /etc/other > /three',
    files: { '/one': 'hi', '/two': 'hi', '/three': '3.21.0\n' },
    absent: ['/etc/other', '/m'],
  },
  {
    title: 'what is written to a bind mount with rw is gone, and the next step does not see it',
    dockerfile:
      'FROM busybox AS out\nRUN mkdir /o && echo -n old > /o/f\nFROM busybox\n' +
      'RUN --mount=from=out,source=/o,target=/o,rw --mount=target=/c,rw echo -n new > /o/f && rm /c/a && echo x > /c/b && cat /o/f > /seen\n' +
      'RUN --mount=from=out,source=/o,target=/o --mount=target=/c cat /o/f /c/a > /after && [ ! -e /c/b ]',
    context: { a: 'A' },
    files: { '/seen': 'new', '/after': 'oldA' },
    absent: ['/o', '/c'],
  },
  {
    title: 'one bind mount may lie within another',
    dockerfile:
      'FROM busybox\nRUN --mount=source=b.txt,target=/tmp/b.txt --mount=source=.,target=/tmp/test cat /tmp/test/a.txt /tmp/b.txt > /one\n' +
      'RUN --mount=source=sub,target=/tmp/test/sub/inner --mount=target=/tmp/test ls /tmp/test/sub/inner > /two',
    context: { 'a.txt': 'a', 'b.txt': 'b', 'sub/inner/': '', 'sub/c': 'c' },
    files: { '/one': 'ab', '/two': 'c\ninner\n' },
    absent: ['/tmp/test', '/tmp/b.txt'],
  },
  {
    title: 'an ONBUILD trigger may mount a stage of the Dockerfile that uses it',
    dockerfile:
      'FROM busybox\nONBUILD RUN --mount=type=bind,target=/in,from=inputstage mkdir /out && cat /in/foo > /out/bar',
    options: { tags: ['with-mount-trigger'] },
    check: async (_, used) => {
      const { files } = await used.build(
        'FROM busybox AS inputstage\nRUN echo -n foo > /foo\nFROM with-mount-trigger\nRUN echo -n 3 > /out/bar3',
      )
      assert.deepEqual([await files.text('/out/bar'), await files.text('/out/bar3')], ['foo', '3'])
    },
  },
  {
    title: 'what is in a tmpfs does not stay',
    dockerfile: 'FROM busybox\nRUN --mount=target=/mytmp,type=tmpfs touch /mytmp/foo\nRUN [ ! -e /mytmp ]',
  },
  {
    title: 'a tmpfs has the size that is asked for',
    dockerfile:
      'FROM busybox\nRUN --mount=type=tmpfs,target=/dev/shm,size=128m mount | grep " /dev/shm " | tail -n 1 > /size',
    check: async ({ files }) => assert.match((await files.text('/size')) ?? '', /size=131072k/),
  },
])

test('a bind mount is keyed on the files that it shows, of whatever stage', async () => {
  const dockerfile = `from busybox AS build
copy cachebust /
run mkdir out && echo foo > out/foo
from busybox
RUN --mount=from=build,src=out,target=/out,rw touch /out/bar && ${UNIQUE}`
  const context = await bench().context({ cachebust: '0' })
  const first = await bench().build(dockerfile, { context })
  await writeFile(join(context, 'cachebust'), '1')
  const second = await bench().build(dockerfile, { context })
  assert.equal(await second.files.text('/unique'), await first.files.text('/unique'))
  assert.equal(second.imageId, first.imageId)
})

test('a changed file of a mounted context runs the step, which names it', async () => {
  const dockerfile = `FROM busybox
RUN --mount=source=.,target=/tmp/test --mount=source=b.txt,target=/tmp/b.txt cat /tmp/test/sub/a.txt /tmp/b.txt > /combined.txt`
  const context = await bench().context({ 'sub/a.txt': 'a1', 'b.txt': 'b' })
  const build = async () => {
    const { files, steps } = await bench().build(dockerfile, { context })
    const step = steps.find(({ name }) => name.includes('RUN'))
    return { text: await files.text('/combined.txt'), status: step?.status, why: step?.reason?.summary }
  }
  assert.equal((await build()).text, 'a1b')
  assert.equal((await build()).status, 'cached')
  await writeFile(join(context, 'sub/a.txt'), 'a2')
  assert.deepEqual(await build(), { text: 'a2b', status: 'ran', why: 'sub/a.txt changed (content)' })
  await writeFile(join(context, 'sub/new'), '')
  assert.deepEqual(await build(), { text: 'a2b', status: 'ran', why: 'sub/new added' })
  await writeFile(join(context, 'b.txt'), 'B')
  assert.equal((await build()).text, 'a2B')
})

test('with --allow a step has all capabilities that there are here, and only that step', async () => {
  const show = 'grep CapBnd /proc/self/status'
  const { files } = await bench().build(
    `FROM busybox\nRUN --security=insecure ${show} > /all\nRUN --security=sandbox ${show} > /some`,
    { allow: ['security.insecure'] },
  )
  const ours = /^CapBnd:.*$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[0]
  assert.equal(await files.text('/all'), `${ours}\n`)
  assert.equal(await files.text('/some'), 'CapBnd:\t00000000a80425fb\n')
})

failures(bench, [
  {
    title: 'a source of a mount that is not there',
    dockerfile: 'FROM busybox\nRUN --mount=source=scr,target=/x true',
    context: { src: '' },
    message: /"\/scr": not found in the build context/,
    hint: /did you mean src\?/,
    lines: [2, 2],
  },
  {
    title: 'a source of a mount that the stage does not have',
    dockerfile: 'FROM busybox AS a\nFROM busybox\nRUN --mount=from=a,source=/nothing,target=/x true',
    message: /"\/nothing": not found in a/,
    lines: [3, 3],
  },
  {
    title: 'a mount on the root',
    dockerfile: 'FROM busybox\nRUN --mount=target=/ true',
    message: /invalid mount target "\/"/,
    lines: [2, 2],
  },
  {
    title: 'a mount without a target',
    dockerfile: 'FROM busybox\nRUN --mount=type=tmpfs true',
    message: /invalid mount target ""/,
    hint: /target=\/path/,
    lines: [2, 2],
  },
])
