// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are a Dockerfile's variables
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { builds, failures, sharedBench } from './cases.ts'

const bench = sharedBench()
const OUT = 'FROM scratch\nCOPY --from=b /out /out'

builds(bench, [
  {
    title: 'a build argument overrides a global ARG in FROM',
    dockerfile: 'ARG t=missing\nFROM busybox:${t}',
    options: { buildArgs: { t: 'latest' } },
  },
  {
    title: 'an ARG whose default demands another value has it',
    dockerfile: 'ARG A=${A:?"say A"}\nFROM busybox',
    options: { buildArgs: { A: 'x' } },
  },
  {
    title: 'a given build argument makes the default irrelevant',
    dockerfile: 'FROM scratch\nARG A\nARG B=${A:?"A is missing"}\nLABEL b=$B',
    options: { buildArgs: { B: '123' } },
    check: ({ image }) => assert.deepEqual(image.config.config?.Labels, { b: '123' }),
  },
  {
    title: 'several ARGs on a line, global ones that refer to others, stage ones that take them over',
    dockerfile: [
      'ARG one="two words" kind=box',
      'ARG made="$kind-x"',
      'FROM busy$kind AS b',
      'ARG made more="1 2" one',
      'RUN echo -n "$one|$made|$more" > /out',
      OUT,
    ].join('\n'),
    files: { '/out': 'two words|box-x|1 2' },
  },
  {
    title: 'quotes of global ARGs are taken off once',
    dockerfile: `ARG k="box"\nARG m="$k-y"\nFROM busy$k AS b\nARG m\nARG n="z-$m"\nRUN echo -n $n > /out\n${OUT}`,
    files: { '/out': 'z-box-y' },
  },
  ...(
    [
      [undefined, 'default'],
      ['named', 'named'],
    ] as const
  ).map(([target, value]) => ({
    title: `TARGETSTAGE shows once it is declared: target ${target ?? 'not given'}`,
    dockerfile: [
      'FROM busybox AS b',
      'RUN echo -n "[$TARGETSTAGE]" > /one',
      'ARG TARGETSTAGE',
      'RUN echo -n "[$TARGETSTAGE]" > /two',
      'FROM scratch AS named',
      'COPY --from=b /one /two /',
      'FROM scratch',
      'COPY --from=b /one /two /',
    ].join('\n'),
    options: { target },
    files: { '/one': '[]', '/two': `[${value}]` },
  })),
  {
    title: 'TARGETSTAGE is the last stage’s name when no target is given',
    dockerfile: 'FROM busybox AS end\nARG TARGETSTAGE\nRUN echo -n "$TARGETSTAGE" > /s',
    files: { '/s': 'end' },
  },
  ...(
    [
      [{}, 'def def d'],
      [{ my: '' }, 'def def d'],
      [{ my: 'given' }, 'given given giv'],
    ] as const
  ).map(([buildArgs, expected]) => ({
    title: `operators of expansion work in FROM and ENV: ${JSON.stringify(buildArgs)}`,
    dockerfile: [
      'ARG name=lazybox',
      'FROM busy${name#lazy}',
      'ARG my',
      'ENV my "${my:-def}"',
      'ENV cut "${my%%e*}"',
      'RUN echo -n "$my ${my} $cut" > /out',
    ].join('\n'),
    options: { buildArgs: { ...buildArgs } },
    files: { '/out': expected },
  })),
  {
    title: 'an empty ARG is in the environment, one without value is not',
    dockerfile: 'FROM busybox\nARG NO\nARG EMPTY=\nRUN env | grep -E "^(NO|EMPTY)=" > /out',
    files: { '/out': 'EMPTY=\n' },
  },
  {
    title: 'percent signs mean nothing in ENV',
    dockerfile: 'FROM busybox\nENV p a%sb%d\nRUN echo -n "$p" > /out',
    files: { '/out': 'a%sb%d' },
  },
  {
    title: 'ENV beats ARG, even when it is empty',
    dockerfile: 'FROM busybox\nENV a=env e=\nARG a=arg\nARG e=arg\nRUN echo -n "$a|$e" > /out\nLABEL l=$a|$e',
    files: { '/out': 'env|' },
    check: ({ image }) => assert.equal(image.config.config?.Labels?.l, 'env|'),
  },
  {
    title: 'ARGs declared again expand with the value so far',
    dockerfile: [
      'ARG A=1',
      'ARG Z=z',
      'ARG A=${A}${Z}',
      'ARG B=${A}2',
      'ARG A=${A}2${B}',
      'FROM busybox',
      'ARG A',
      'ARG I=1',
      'ARG J=${I}2',
      'ARG I=${I}2${J}',
      'RUN echo -n $A $I $J > /out',
    ].join('\n'),
    files: { '/out': '1z21z2 1212 12' },
  },
  {
    title: 'EXPOSE expands and splits into words, takes ranges, drops host parts',
    dockerfile:
      'FROM scratch\nARG P="3000 4000/udp"\nEXPOSE $P\nEXPOSE 5000-5002/tcp 0.0.0.0:81:82/tcp [::1]:90:91 7000:7001/udp',
    check: ({ image }) =>
      assert.deepEqual(Object.keys(image.config.config?.ExposedPorts ?? {}).sort(), [
        '3000/tcp',
        '4000/udp',
        '5000/tcp',
        '5001/tcp',
        '5002/tcp',
        '7001/udp',
        '82/tcp',
        '91/tcp',
      ]),
  },
])

failures(bench, [
  {
    title: 'a global ARG that demands a value',
    dockerfile: 'ARG A=${A:?"say A"}\nFROM busybox',
    message: /A: say A/,
    lines: [1, 1],
  },
  {
    title: 'an ARG of a stage that demands a value',
    dockerfile: 'FROM scratch\nARG A\nARG B=${A:?"A is missing"}',
    message: /A: A is missing/,
    lines: [3, 3],
  },
  ...['0.0.0.0:1-2:/tcp', 'localhost:1234:1234/tcp', '70000', '9-8', '1/xyz'].map(port => ({
    title: `EXPOSE ${port} is no port`,
    dockerfile: `FROM scratch\nEXPOSE ${port}`,
    message: /invalid|no port specified/i,
    lines: [2, 2] as const,
  })),
])

test('proxy arguments need no ARG, come in both cases, and do not enter the key', async () => {
  const context = await bench().context()
  const text = [
    'FROM busybox',
    'ARG A',
    'ARG B',
    'ARG C=c',
    'RUN echo -n "$HTTP_PROXY,$http_proxy,$NO_PROXY,$no_proxy,$A,$B,$C" > /out',
  ].join('\n')
  const out = async (buildArgs: Record<string, string>) => {
    const { files, ran } = await bench().build(text, { context, buildArgs })
    return [await files.text('/out'), ran]
  }
  assert.deepEqual(await out({ http_proxy: 'h1', NO_PROXY: 'n', A: 'a' }), ['h1,h1,n,n,a,,c', 1])
  assert.deepEqual(await out({ http_proxy: 'h2', A: 'a' }), ['h1,h1,n,n,a,,c', 0])
  assert.deepEqual(await out({ http_proxy: 'h2', HTTP_PROXY: 'H', A: 'a2' }), ['h2,h2,,,a2,,c', 1])
})

test('proxy arguments leave no trace in the image', async () => {
  const { image } = await bench().build('FROM busybox\nRUN true', { buildArgs: { https_proxy: 'http://u:secret@p' } })
  assert.ok(!JSON.stringify([image.config, image.manifest]).includes('secret'))
})
