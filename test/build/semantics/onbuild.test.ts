import assert from 'node:assert/strict'
import { test } from 'node:test'
import { builds, failures, sharedBench } from './cases.ts'

const bench = sharedBench()

test('triggers of an image run once and are gone from what is built on it', async () => {
  const base = 'FROM busybox\nONBUILD RUN mkdir -p /o && echo -n x >> /o/f\nONBUILD ENV seen=1'
  await bench().build(base, { tags: ['trigger'] })
  const child = await bench().build('FROM trigger', { tags: ['child'] })
  assert.equal(await child.files.text('/o/f'), 'x')
  assert.equal(child.image.config.config?.OnBuild, undefined)
  assert.ok(child.image.config.config?.Env?.includes('seen=1'))
  const grandchild = await bench().build('FROM child')
  assert.equal(await grandchild.files.text('/o/f'), 'x')
})

test('triggers run right after FROM, and not again in stages on that stage', async () => {
  await bench().build('FROM busybox\nONBUILD RUN mkdir -p /o && touch /o/ran', { tags: ['marks'] })
  const { files } = await bench().build(
    'FROM marks AS a\nRUN test -f /o/ran && rm /o/ran && touch /s1\nFROM a AS b\nRUN test ! -f /o/ran && touch /s2',
  )
  assert.deepEqual(
    files.tree('/').filter(name => /^s\d$/.test(name)),
    ['s1', 's2'],
  )
})

test('a trigger may name a stage of the Dockerfile that uses it, or an image of its own', async () => {
  await bench().build(
    'FROM busybox\nONBUILD COPY --from=other /f /o/g\nONBUILD COPY --from=alpine /etc/alpine-release /o/r',
    {
      tags: ['reads'],
    },
  )
  const { files } = await bench().build('FROM busybox AS other\nRUN echo -n hi > /f\nFROM reads')
  assert.equal(await files.text('/o/g'), 'hi')
  assert.equal(await files.text('/o/r'), '3.21.0\n')
})

test('a trigger keeps its here-document', async () => {
  await bench().build('FROM busybox\nONBUILD RUN <<E\necho "hi there" >> /o\nE\n', { tags: ['doc'] })
  const { files } = await bench().build('FROM doc')
  assert.equal(await files.text('/o'), 'hi there\n')
})

builds(bench, [
  {
    title: 'triggers of a stage run in the stages built on it',
    dockerfile:
      'FROM busybox AS a\nONBUILD RUN mkdir -p /o && echo -n 1 >> /o/f\nFROM a AS b\nRUN cp /o/f /o/g\nFROM scratch\nCOPY --from=b /o/g /',
    files: { '/g': '1' },
  },
  {
    title: 'a trigger of a stage may copy from another stage',
    dockerfile: [
      'FROM busybox AS src',
      'RUN mkdir /i && echo -n 12 > /i/f',
      'FROM busybox AS a',
      'ONBUILD COPY --from=src /i/f /o/g',
      'FROM a AS b',
      'RUN cp /o/g /o/h',
      'FROM scratch',
      'COPY --from=b /o/h /',
    ].join('\n'),
    files: { '/h': '12' },
  },
])

failures(bench, [
  {
    title: 'FROM is no trigger',
    dockerfile: 'FROM busybox\nONBUILD FROM scratch',
    message: /FROM isn't allowed as an ONBUILD trigger/,
  },
  {
    title: 'ONBUILD is no trigger',
    dockerfile: 'FROM busybox\nONBUILD ONBUILD RUN true',
    message: /Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed/,
  },
  {
    title: 'a trigger cannot read the stage that it runs in',
    dockerfile: 'FROM busybox AS a\nONBUILD COPY --from=b /f /g\nFROM a AS b\nRUN true',
    message: /circular dependency|before current stage/,
  },
  {
    title: 'a trigger cannot read a stage that waits for its own',
    dockerfile: 'FROM busybox AS a\nONBUILD COPY --from=c /f /g\nFROM a AS b\nRUN true\nFROM b AS c\nRUN true',
    message: /circular dependency|before current stage/,
  },
])
