// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are a Dockerfile's variables
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hostPlatform } from '../../../src/oci/platform.ts'
import { builds, failures, sharedBench } from './cases.ts'

const bench = sharedBench()
const arch = hostPlatform().architecture

builds(bench, [
  {
    title: 'COPY --from takes an image that is no stage',
    dockerfile: 'FROM scratch\nCOPY --from=busybox /etc/hostname h',
    files: { '/h': 'localhost\n' },
  },
  {
    title: 'a stage hides an image of its name',
    dockerfile:
      'FROM busybox AS alpine\nRUN echo -n mine > /etc/alpine-release\nFROM scratch\nCOPY --from=alpine /etc/alpine-release r',
    files: { '/r': 'mine' },
  },
  {
    title: 'stage names have no case, in targets too',
    dockerfile:
      'FROM scratch AS OnE\nCOPY f g\nFROM scratch AS tWo\nCOPY --from=oNe g h\nFROM scratch\nCOPY --from=two h i',
    context: { f: 'F' },
    options: { target: 'TWO' },
    files: { '/h': 'F' },
    absent: ['/i'],
  },
  {
    title: 'COPY --from brings files, no config',
    dockerfile: 'FROM scratch AS a\nLABEL m=a\nFROM a AS b\nLABEL m=b\nCOPY f /\nFROM a AS c\nCOPY --from=b / /',
    context: { f: 'F' },
    files: { '/f': 'F' },
    check: ({ image }) => assert.deepEqual(image.config.config?.Labels, { m: 'a' }),
  },
  {
    title: 'platform arguments choose a stage without ARG',
    dockerfile: 'FROM scratch AS for-linux\nCOPY a b\nFROM for-${TARGETOS}\nCOPY c d',
    context: { a: 'A', c: 'C' },
    files: { '/b': 'A', '/d': 'C' },
  },
  {
    title: 'platform arguments show in a stage once declared, a build argument overrides them',
    dockerfile:
      'FROM --platform=$BUILDPLATFORM busybox\nARG TARGETPLATFORM\nARG TARGETOS\nRUN echo -n "$TARGETPLATFORM $TARGETOS $TARGETARCH" > /p',
    options: { buildArgs: { TARGETOS: 'plan9' } },
    files: { '/p': `linux/${arch} plan9 ` },
  },
  {
    title: 'stages that nothing needs are not built, their images not looked for',
    dockerfile: 'FROM nowhere.example/missing AS unused\nRUN false\nFROM scratch\nCOPY f /',
    context: { f: 'F' },
    files: { '/f': 'F' },
    check: ({ steps }) =>
      assert.deepEqual(
        steps.map(({ name }) => name),
        ['[stage-1 1/1] COPY f /', 'exporting image'],
      ),
  },
])

failures(bench, [
  ...['/', '/d2'].map(source => ({
    title: `COPY ${source} from a stage further down`,
    dockerfile: `FROM busybox AS t\nCOPY --from=later ${source} /o\nFROM alpine AS later\nRUN true\nFROM t`,
    message: /cannot copy from stage "later", it needs to be defined before current stage/,
    lines: [2, 2] as const,
  })),
  { title: 'no stages', dockerfile: 'ARG a=b', message: /dockerfile contains no stages to build/ },
  {
    title: 'a mistyped target',
    dockerfile: 'FROM scratch AS build\nFROM scratch',
    options: { target: 'bulid' },
    message: /target stage "bulid" could not be found \(did you mean build\?\)/,
  },
  {
    title: 'a mistyped stage in FROM',
    dockerfile: 'FROM scratch AS build\nFROM biuld\nCOPY f /',
    message: /biuld/,
    hint: /^did you mean the stage build\?$/,
    lines: [2, 2],
  },
  {
    title: 'a stage further down is no base',
    dockerfile: 'FROM biuld AS first\nFROM first AS build\n',
    message: /biuld/,
    check: error => assert.doesNotMatch(error.hint ?? '', /stage build/),
  },
  {
    title: 'a stage that copies from itself',
    dockerfile: 'FROM busybox AS s\nCOPY --from=s f /x/',
    message: /circular dependency detected on stage: s$/,
  },
  {
    title: 'stages in a circle',
    dockerfile:
      'FROM busybox AS s0\nCOPY --from=s2 f /\nFROM busybox AS s1\nCOPY --from=s0 f /\nFROM busybox AS s2\nCOPY --from=s1 f /',
    message: /circular dependency detected on stage: s0$/,
  },
  {
    title: 'an image that is nowhere',
    dockerfile: 'FROM nowhere.example/missing\nRUN true',
    message: /missing/,
    lines: [1, 1],
  },
])

test('a stage built on a stage has the base image of that stage', async () => {
  await bench().build('FROM busybox\nLABEL from=base\nCMD ["of", "base"]', { tags: ['labelled'] })
  const { image, steps } = await bench().build('FROM labelled AS one\nRUN echo one\nFROM one AS labelled\nRUN echo two')
  assert.deepEqual(image.config.config?.Labels, { from: 'base' })
  assert.deepEqual(image.config.config?.Cmd, ['of', 'base'])
  const names = steps.map(({ name }) => name)
  assert.deepEqual(
    names.filter(name => name.includes('FROM')),
    ['[one 1/2] FROM labelled'],
  )
})

test('a global argument chooses the image, a platform argument the stage', async () => {
  const { steps } = await bench().build(
    'ARG b=busybox\nFROM $b AS for-amd64\nFROM $b AS for-arm64\nFROM for-$TARGETARCH',
  )
  assert.equal(steps[0]?.name, `[for-${arch} 1/1] FROM busybox`)
})
