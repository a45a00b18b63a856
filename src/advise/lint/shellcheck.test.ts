import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { corpusJson, withCorpus } from '../../dockerfile/corpus.test-helper.ts'
import { DEFAULTS } from './config.ts'
import { lintFile } from './lint-file.ts'

const installed = spawnSync('shellcheck', ['--version']).status === 0
const withShellCheck = { skip: installed ? withCorpus.skip : 'shellcheck is not installed' }

interface Case {
  readonly dockerfile: string
  readonly onbuildDockerfile?: string
  readonly expect: 'catches' | 'catchesNot'
}

/** Not asserted: SHELL is part of the image, so that ONBUILD's triggers run in it, too. */
const LEFT_OUT = 'SHELL ["/bin/bash", "-eo", "pipefail", "-c"]\nONBUILD RUN echo $RANDOM\n'

async function findingsOf(text: string) {
  const { signal } = new AbortController()
  const options = { config: DEFAULTS, contexts: [], base: async () => undefined, shellCheck: true, signal }
  const { findings } = await lintFile('Dockerfile', text, options)
  return findings.filter(({ rule }) => rule.name.startsWith('SC'))
}

test(
  'ShellCheck is asked about the scripts that it understands, with what ARG and ENV set',
  withShellCheck,
  async t => {
    const cases = corpusJson<readonly Case[]>('lint/hadolint-shellcheck.json')
    const wrong: string[] = []
    for (const { dockerfile, onbuildDockerfile = dockerfile, expect } of cases) {
      if (onbuildDockerfile === LEFT_OUT) continue
      const found = await findingsOf(onbuildDockerfile)
      if (found.length > 0 !== (expect === 'catches')) {
        wrong.push(`${JSON.stringify(onbuildDockerfile)}: ${found.map(({ rule, detail }) => `${rule.name} ${detail}`)}`)
      }
    }
    assert.deepEqual(wrong, [])
    assert.ok(cases.length >= 24)
    t.diagnostic(`${cases.length} cases, one left out`)
  },
)

test('its findings stand where the script does', withShellCheck, async () => {
  const [finding, ...more] = await findingsOf('FROM a\nRUN true && \\\n  # no\n    echo $X\n')
  assert.deepEqual([finding?.rule.name, finding?.range.start, more], ['SC2086', { line: 4, column: 10 }, []])
})
