import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chompTabs, heredocsOfLine, parseHeredocWord } from './heredoc.ts'

const WORDS: readonly (readonly [
  word: string,
  name: string | undefined,
  expand?: boolean,
  chomp?: boolean,
  fd?: number,
])[] = [
  ['<<EOF', 'EOF', true, false, 0],
  ['<<-EOF', 'EOF', true, true, 0],
  ['3<<EOF', 'EOF', true, false, 3],
  ["<<'EOF'", 'EOF', false, false, 0],
  ['<<"a b"', 'a b', false, false, 0],
  ["<<E'O'F", 'EOF', false, false, 0],
  ['<<$EOF', '$EOF', true, false, 0],
  ['<< EOF', 'EOF', true, false, 0],
  ['<<', undefined],
  ['<<<EOF', undefined],
  ['<<a b', undefined],
  ['x<<EOF', undefined],
]

for (const [word, name, expand, chomp, fd] of WORDS) {
  test(`here-document word ${word}`, () => {
    const found = parseHeredocWord(word)
    assert.deepEqual(found, name === undefined ? undefined : { name, expand, chomp, fd })
  })
}

test('a line announces here-documents outside of quotes only', () => {
  const names = (line: string): readonly string[] => heredocsOfLine(line).map(({ name }) => name)
  assert.deepEqual(names('RUN cat <<A | tr x y; cat 4<<-"B" > z'), ['A', 'B'])
  assert.deepEqual(names('RUN echo "<<A" \'<<B\' \\<<C'), [])
  assert.deepEqual(names('RUN echo "open <<A'), [])
})

test('tabs are taken off every line', () => {
  assert.equal(chompTabs('\t\ta\n\n \tb\n\tc'), 'a\n\n \tb\nc')
})
