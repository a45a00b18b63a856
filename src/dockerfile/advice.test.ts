import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDockerfile } from './parse.ts'

const CASES: readonly (readonly [line: string, warning: RegExp | undefined])[] = [
  ['CMD ["x",]', /^CMD looks like a JSON array and is none.*: \["x",\]$/],
  ["ENTRYPOINT ['a', 'b']", /^ENTRYPOINT looks like/],
  ['CMD [ "a", b ]', /^CMD looks like/],
  ['CMD [python, app.py]', /^CMD looks like/],
  ['RUN ["a"] && b', /^RUN looks like/],
  ['CMD ["x"]', undefined],
  ['CMD x', undefined],
  ['RUN [ "$a" = b ]', undefined],
  ['RUN [[ "$a" == "b, c" ]]', undefined],
  ['RUN [ -f x ] || exit 1', undefined],
  ['LABEL maintainer=kim', undefined],
]

for (const [line, warning] of CASES) {
  test(`${warning === undefined ? 'nothing to say of' : 'a warning of'} ${line}`, () => {
    const { warnings } = parseDockerfile(`FROM a\n${line}`)
    assert.equal(warnings.length, warning === undefined ? 0 : 1)
    if (warning === undefined) return
    assert.match(warnings[0]?.message ?? '', warning)
    assert.equal(warnings[0]?.range.start.line, 2)
  })
}
