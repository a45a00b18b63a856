import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { corpusJson, corpusPath, corpusText, withCorpus } from '../../dockerfile/corpus.test-helper.ts'
import { parseEach } from '../../dockerfile/parse-each.ts'
import { DEFAULTS } from './config.ts'
import { fixText } from './fix.ts'
import { plainInput } from './input.ts'
import { lintDockerfile } from './lint.ts'

function lint(text: string) {
  return lintDockerfile(text, { file: 'Dockerfile', config: DEFAULTS, around: plainInput })
}

async function fixed(text: string): Promise<string> {
  return await fixText(text, async one => ({ file: 'Dockerfile', text: one, findings: lint(one) }))
}

/** What stands between the FROM and the end of a file, before and after. */
const FIXES: readonly (readonly [rule: string, before: string, after: string])[] = [
  ['DL3009', 'RUN apt-get update', 'RUN apt-get update && rm -rf /var/lib/apt/lists/*'],
  ['DL3009', 'RUN apt-get update; true', 'RUN apt-get update; true && rm -rf /var/lib/apt/lists/*'],
  ['DL3009', 'RUN apt-get update & wait', 'RUN apt-get update & wait && rm -rf /var/lib/apt/lists/*'],
  ['DL3009', 'RUN apt-get update &', 'RUN apt-get update &'],
  ['DL3009', 'RUN <<EOF\napt-get update\nEOF', 'RUN <<EOF\napt-get update && rm -rf /var/lib/apt/lists/*\nEOF'],
  ['DL3009', 'RUN apt-get update # why', 'RUN apt-get update && rm -rf /var/lib/apt/lists/* # why'],
  [
    'DL3009',
    'RUN true \\\n  && apt-get update',
    'RUN true \\\n  && apt-get update \\\n  && rm -rf /var/lib/apt/lists/*',
  ],
  [
    'DL3009',
    'RUN true && \\\n\tapt-get update',
    'RUN true && \\\n\tapt-get update && \\\n\trm -rf /var/lib/apt/lists/*',
  ],
  ['DL3014, DL3015', 'RUN apt-get install a=1', 'RUN apt-get install --no-install-recommends -y a=1'],
  ['DL3014 in a string', `RUN sh -c 'apt-get install a=1'`, `RUN sh -c 'apt-get install a=1'`],
  [
    'DL3014 silenced',
    '# hadolint ignore=DL3014,DL3015\nRUN apt-get install a=1',
    '# hadolint ignore=DL3014,DL3015\nRUN apt-get install a=1',
  ],
  ['DL3019', 'ONBUILD RUN apk add a=1', 'ONBUILD RUN apk add --no-cache a=1'],
  ['DL3020', 'ADD a /b', 'COPY a /b'],
  ['DL3020', 'ADD --unpack=true a /b', 'ADD --unpack=true a /b'],
  ['DL3021', 'COPY a b /c', 'COPY a b /c/'],
  ['DL3025', 'CMD node "a b" --c', 'CMD ["node", "a b", "--c"]'],
  ['DL3025', 'ENTRYPOINT exec node', 'ENTRYPOINT ["node"]'],
  ['DL3025 with a variable', 'CMD node $PORT', 'CMD node $PORT'],
  ['DL3025 with two commands', 'CMD a && b', 'CMD a && b'],
  ['DL3025 with a redirect', 'CMD a > b', 'CMD a > b'],
  ['DL3025 with a variable set', 'CMD A=b c', 'CMD A=b c'],
  ['DL3025 with a SHELL', 'SHELL ["/bin/bash", "-lc"]\nCMD a', 'SHELL ["/bin/bash", "-lc"]\nCMD a'],
  ['DL3027', 'RUN apt autoremove', 'RUN apt-get autoremove'],
  ['DL3027 without a twin', 'RUN apt list', 'RUN apt list'],
  ['DL3030, DL3032', 'RUN yum install a-1', 'RUN yum install -y a-1 && yum clean all'],
  ['DL3034, DL3036', 'RUN zypper in a=1', 'RUN zypper in -y a=1 && zypper clean'],
  ['DL3038, DL3040', 'RUN dnf install a-1', 'RUN dnf install -y a-1 && dnf clean all'],
  ['DL3042', 'RUN pip install a==1', 'RUN pip install --no-cache-dir a==1'],
  ['DL3059', 'RUN a\nRUN b\nRUN c', 'RUN a \\\n    && b \\\n    && c'],
  ['DL3059 with a comment between', 'RUN a\n# b\nRUN c', 'RUN a\n# b\nRUN c'],
  ['DL3059 after cd', 'RUN cd /\nRUN a', 'RUN cd /\nRUN a'],
  ['DL3060', 'RUN yarn install', 'RUN yarn install && yarn cache clean'],
  ['DL4000', 'MAINTAINER Ann <a@b.c>', 'LABEL org.opencontainers.image.authors="Ann <a@b.c>"'],
  ['LegacyKeyValueFormat', 'ENV A b c', 'ENV A="b c"'],
  ['LegacyKeyValueFormat', 'ENV A /b:$C', 'ENV A=/b:$C'],
  ['LegacyKeyValueFormat with quotes', 'ENV A b "c d"', 'ENV A b "c d"'],
]

test('fixes change what is wrong and keep the rest as it is written', async () => {
  for (const [rule, before, after] of FIXES) {
    assert.equal(await fixed(`FROM a:1\n${before}\n`), `FROM a:1\n${after}\n`, rule)
  }
  assert.equal(await fixed('FROM a:1 as b\n'), 'FROM a:1 AS b\n')
  assert.equal(await fixed('from a:1 AS b\n'), 'from a:1 as b\n')
})

/** Kinds of the instructions, those that are joined or turned into another counted once. */
function shape(text: string): readonly string[] {
  const kinds = parseEach(text, 'Dockerfile').instructions.map(({ kind }) => {
    return kind === 'maintainer' ? 'label' : kind === 'add' ? 'copy' : kind
  })
  return kinds.filter((kind, index) => kind !== 'run' || kinds[index - 1] !== 'run')
}

test(
  'whatever is fixed can be read as before, has nothing left to fix, and is wrong in nothing new',
  withCorpus,
  async t => {
    const cases = corpusJson<readonly { readonly dockerfile: string }[]>('lint/hadolint.json').map(
      one => one.dockerfile,
    )
    const real = readdirSync(corpusPath('real')).filter(name => name.includes('Dockerfile') && !name.includes('ignore'))
    const texts = [...new Set([...cases, ...real.map(name => corpusText(`real/${name}`))])].filter(
      text => text.trim() !== '',
    )
    let count = 0
    for (const text of texts) {
      const after = await fixed(text)
      if (after === text) continue
      count++
      assert.deepEqual(shape(after), shape(text), text)
      const names = (one: string) => new Set(lint(one).map(({ rule }) => rule.name))
      const left = lint(after).filter(({ fix }) => fix !== undefined)
      assert.deepEqual(left, [], after)
      for (const name of names(after)) assert.ok(names(text).has(name), `${name} is new in ${after}`)
    }
    assert.ok(count > 100, `${count} are changed`)
    t.diagnostic(`${count} of ${texts.length} are changed`)
  },
)
