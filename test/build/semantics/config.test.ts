import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Built } from '../bench.ts'
import { builds, failures, sharedBench } from './cases.ts'

const bench = sharedBench()
const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

builds(bench, [
  {
    title: 'ENTRYPOINT drops an inherited CMD, SHELL shapes the shell form',
    dockerfile: 'FROM busybox\nSHELL ["ls", "-l"]\nENTRYPOINT my entry',
    check: ({ image }) => {
      const { Cmd, Entrypoint, Shell } = image.config.config ?? {}
      assert.deepEqual([Cmd, Entrypoint, Shell], [undefined, ['ls', '-l', 'my entry'], ['ls', '-l']])
    },
  },
  {
    title: 'ENTRYPOINT keeps a CMD of its own stage, whichever comes first',
    dockerfile: 'FROM busybox\nCMD ["a"]\nENTRYPOINT ["b"]',
    check: ({ image }) => assert.deepEqual(image.config.config?.Cmd, ['a']),
  },
  {
    title: 'the default shell and search path',
    dockerfile: 'FROM scratch\nENTRYPOINT foo bar\nCOPY f .',
    context: { f: '' },
    check: ({ image }) => {
      assert.deepEqual(image.config.config?.Entrypoint, ['/bin/sh', '-c', 'foo bar'])
      assert.deepEqual(image.config.config?.Env, [PATH])
    },
  },
  { title: 'RUN takes no notice of ENTRYPOINT', dockerfile: 'FROM busybox\nENTRYPOINT ["/nothing"]\nRUN ["ls"]' },
  {
    title: 'broken JSON of ENTRYPOINT is shell form',
    dockerfile: 'FROM alpine\nENTRYPOINT []some words',
    check: ({ image }) => assert.deepEqual(image.config.config?.Entrypoint, ['/bin/sh', '-c', '[]some words']),
  },
  {
    title: 'labels of the Dockerfile and of the options',
    dockerfile: 'FROM scratch\nLABEL a=b over=file',
    options: { labels: { c: 'd', over: 'option' } },
    check: ({ image }) => assert.deepEqual(image.config.config?.Labels, { a: 'b', c: 'd', over: 'option' }),
  },
  {
    title: 'an image without layers',
    dockerfile: 'FROM scratch\nENV a=b',
    check: ({ image: { config } }) => {
      assert.ok(config.os !== '' && config.architecture !== '' && config.config?.WorkingDir)
      assert.deepEqual(config.rootfs, { type: 'layers', diff_ids: [] })
      assert.deepEqual(
        config.history?.map(({ created_by, empty_layer }) => [created_by, empty_layer]),
        [['ENV a=b', true]],
      )
      assert.deepEqual(config.config?.Env, [PATH, 'a=b'])
    },
  },
  {
    title: 'history tells the final stage’s instructions, and which made layers',
    dockerfile: [
      'FROM busybox AS b',
      'ENV x=y',
      'COPY f /g',
      'FROM busybox',
      'LABEL l=v',
      'COPY --from=b g h',
      'WORKDIR /',
      'RUN echo i > j',
      'RUN ["ls"]',
      'EXPOSE 2375 5000 1234/udp',
    ].join('\n'),
    context: { f: 'F' },
    check: ({ image: { config } }) => {
      const own = (config.history ?? []).slice(2)
      assert.deepEqual(
        own.map(({ created_by, empty_layer }) => [created_by, empty_layer === true]),
        [
          ['LABEL l=v', true],
          ['COPY --from=b g h', false],
          ['WORKDIR /', true],
          ['RUN /bin/sh -c echo i > j', false],
          ['RUN ls', false],
          ['EXPOSE [1234/udp 2375/tcp 5000/tcp]', true],
        ],
      )
      assert.ok(own.every(({ created }) => !Number.isNaN(Date.parse(created ?? ''))))
      assert.equal(config.rootfs.diff_ids.length, 4)
    },
  },
  {
    title: 'history of RUN has the last value of each ARG, in order of first declaration',
    dockerfile: 'FROM busybox\nARG a=1\nARG b=2\nARG a=3\nRUN ls /etc/',
    check: ({ image }) =>
      assert.match(image.config.history?.at(-1)?.created_by ?? '', /^RUN \|2 a=3 b=2 \/bin\/sh -c ls/),
  },
  {
    title: 'HEALTHCHECK in config and history',
    dockerfile:
      'FROM scratch\nHEALTHCHECK --interval=1s --timeout=10s --start-period=3s --start-interval=100ms --retries=5 CMD ["c", "exit 0"]',
    check: ({ image: { config } }) => {
      assert.deepEqual(config.config?.Healthcheck, {
        Test: ['CMD', 'c', 'exit 0'],
        Interval: 1e9,
        Timeout: 10e9,
        StartPeriod: 3e9,
        StartInterval: 1e8,
        Retries: 5,
      })
      const text =
        'HEALTHCHECK {Test:[CMD c exit 0] Interval:1s Timeout:10s StartPeriod:3s StartInterval:100ms Retries:5}'
      assert.equal(config.history?.at(-1)?.created_by, text)
    },
  },
  {
    title: 'history of HEALTHCHECK has what was left out too',
    dockerfile: 'FROM scratch\nHEALTHCHECK --interval=2m CMD x y\nHEALTHCHECK NONE',
    check: ({ image }) =>
      assert.deepEqual(
        image.config.history?.map(line => line.created_by),
        [
          'HEALTHCHECK {Test:[CMD-SHELL x y] Interval:2m0s Timeout:0s StartPeriod:0s StartInterval:0s Retries:0}',
          'HEALTHCHECK {Test:[NONE] Interval:0s Timeout:0s StartPeriod:0s StartInterval:0s Retries:0}',
        ],
      ),
  },
  {
    title: 'a syntax line names Docker’s frontend in any version, or a mirror of it',
    dockerfile: '# syntax = registry.example:5000/docker/dockerfile:1.7-labs\nFROM scratch',
  },
  ...['sigterm', 'RTMIN+3', 'SIGRTMAX-1', '9', '$SIGNAL'].map(signal => ({
    title: `STOPSIGNAL ${signal} is kept as it is written`,
    dockerfile: `FROM scratch\nENV SIGNAL=SIGINT\nSTOPSIGNAL ${signal}`,
    check: ({ image }: Built) =>
      assert.equal(image.config.config?.StopSignal, signal === '$SIGNAL' ? 'SIGINT' : signal),
  })),
  {
    title: 'every instruction of the config has its field',
    dockerfile: [
      'FROM scratch',
      'MAINTAINER Kim <kim@example.org>',
      'VOLUME /data ["/x"]',
      'VOLUME ["/a b", "/c"]',
      'STOPSIGNAL SIGQUIT',
      'USER 1:2',
      'WORKDIR /w',
      'CMD ["a", "b"]',
      'ONBUILD RUN x',
      'HEALTHCHECK NONE',
    ].join('\n'),
    check: ({ image: { config } }) => {
      assert.equal(config.author, 'Kim <kim@example.org>')
      const { Volumes, StopSignal, User, WorkingDir, Cmd, OnBuild, Healthcheck } = config.config ?? {}
      assert.deepEqual(Object.keys(Volumes ?? {}).sort(), ['/a b', '/c', '/data', '[/x]'])
      assert.deepEqual([StopSignal, User, WorkingDir, Cmd, OnBuild], ['SIGQUIT', '1:2', '/w', ['a', 'b'], ['RUN x']])
      assert.deepEqual(Healthcheck, { Test: ['NONE'] })
    },
  },
  {
    title: 'the default set of capabilities',
    dockerfile:
      'FROM busybox\nRUN --security=sandbox grep CapBnd /proc/self/status > /c\nRUN grep CapBnd /proc/self/status > /d',
    files: { '/c': 'CapBnd:\t00000000a80425fb\n', '/d': 'CapBnd:\t00000000a80425fb\n' },
  },
  {
    title: '--network=none leaves the loopback alone',
    dockerfile:
      'FROM busybox\nRUN --network=none ls /sys/class/net > /none || ip -o link | wc -l > /none\nRUN --network=none ip -o link | wc -l > /count',
    files: { '/count': '1\n' },
  },
])

test('the option --network none isolates every RUN', async () => {
  const { files } = await bench().build('FROM busybox\nRUN ip -o link | wc -l > /c', { network: 'none' })
  assert.equal(await files.text('/c'), '1\n')
})

test('an image without layers can be a base', async () => {
  await bench().build('FROM scratch\nLABEL a=b', { tags: ['nothing'] })
  const context = await bench().context({ f: 'F' })
  const { image } = await bench().build('FROM nothing\nLABEL c=d\nCOPY f .', { context })
  assert.equal(image.config.rootfs.diff_ids.length, 1)
  assert.deepEqual(image.config.config?.Labels, { a: 'b', c: 'd' })
})

failures(bench, [
  ...(
    [
      ['SIGWHATEVER', /name such as SIGTERM/],
      ['SIGTREM', /^did you mean SIGTERM\?$/],
      ['RTMIN+16', /^did you mean SIGRTMIN\+1\?$/],
      ['65', /number up to 64/],
      ['0', /number up to 64/],
    ] as const
  ).map(([signal, hint]) => ({
    title: `STOPSIGNAL ${signal}`,
    dockerfile: `FROM scratch\nSTOPSIGNAL ${signal}`,
    message: /^invalid signal: /,
    hint,
    lines: [2, 2] as const,
  })),
  {
    title: 'broken JSON of RUN is shell form, and fails in the shell',
    dockerfile: 'FROM alpine\nRUN ["echo", "a"]broken text',
    message: /broken text/,
    lines: [2, 2],
  },
  {
    title: 'a command that is not there',
    dockerfile: 'FROM busybox\nRUN nosuchcommand',
    message: /"\/bin\/sh -c nosuchcommand" did not complete successfully: exit code: 127/,
    lines: [2, 2],
  },
  {
    title: 'an instruction that is none',
    dockerfile: 'FROM scratch\nENTRYPOIN ["a"]',
    message: /unknown instruction: ENTRYPOIN/,
    hint: /did you mean ENTRYPOINT\?/,
    lines: [2, 2],
  },
  {
    title: 'a syntax that is not Docker’s',
    dockerfile: '#syntax=foobar\nfrom alpine',
    message: /foobar/,
    lines: [1, 1],
  },
  { title: 'ENV without anything', dockerfile: 'from alpine\nenv', message: /ENV/i, lines: [2, 2] },
  { title: 'a RUN without a shell', dockerfile: 'from scratch\nenv a=b\nrun what', message: /what/, lines: [3, 3] },
  {
    title: 'a source that is not there',
    dockerfile: 'from scratch\nenv a=b\ncopy foo bar\nenv c=d',
    message: /foo/,
    lines: [3, 3],
  },
  {
    title: 'an unknown flag',
    dockerfile: 'from scratch\nenv a=b\ncopy --foo=bar / /\nenv c=d',
    message: /foo/,
    lines: [3, 3],
  },
  {
    title: 'a stage that is not there',
    dockerfile: 'from scratch\nenv a=b\ncopy --from=invalid foo bar\nenv c=d',
    message: /invalid/,
    lines: [3, 3],
  },
  {
    title: 'an instruction of two lines',
    dockerfile: 'from scratch\nrun wh\\\nat\nenv c=d',
    message: /what/,
    lines: [2, 3],
  },
])
