import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BuildEvent } from '../../build/events.ts'
import { sampleBuild, sampleEnd, sampleFailure } from '../testing.ts'
import { PlainRenderer } from './plain.ts'
import { explainLines, failureLines } from './summary.ts'
import { frame, redraw } from './terminal.ts'
import { clip, LineSplitter, oneLine, plainText } from './text.ts'
import { BuildView } from './view.ts'

/** Output comes half a second after the build began. */
const NOW = 1_000_500

function viewOf(events: readonly BuildEvent[]): BuildView {
  const view = new BuildView()
  for (const event of events) view.apply(event, NOW)
  return view
}

function plain(events: readonly BuildEvent[]): string {
  const view = new BuildView()
  const renderer = new PlainRenderer(view)
  return events.map(event => renderer.render(event, view.apply(event, NOW))).join('')
}

test('a log keeps the lines of a step together and ends with what ran and what was slow', () => {
  const expected = `#1 [build 1/3] FROM debian
#1 CACHED

#2 [build 2/3] RUN npm ci
#2 0.500 one
#2 0.500 two
#2 0.500 20%
#2 2.500 no newline
#2 DONE 2.5s (the step before it changed)

#3 [build 3/3] COPY . .
#3 0.400 copied
#3 DONE 0.1s (src/main.js changed (content))

Built app:1 (6105d6cc76af) in 2.5s: 2 ran, 1 cached
Ran:
  [build 2/3] RUN npm ci: the step before it changed
  [build 3/3] COPY . .: src/main.js changed (content)
Slowest:
     2.5s  [build 2/3] RUN npm ci
`
  assert.equal(plain([...sampleBuild(), ...sampleEnd()]), expected)
})

test('a step waits for its turn whatever it has to say, and its lines stand together', () => {
  const said: BuildEvent = { type: 'step-output', id: 3, stream: 'stdout', data: Buffer.from(numbered(2000)) }
  const begun = sampleBuild().slice(0, 5)
  assert.doesNotMatch(plain([...begun, said]), /#3/)
  const others: BuildEvent = { type: 'step-output', id: 2, stream: 'stdout', data: Buffer.from(numbered(5)) }
  const ended: BuildEvent = { type: 'step-finished', id: 2, at: 1_002_500, status: 'ran', durationMs: 2500 }
  const ids = plain([...begun, said, others, said, ended]).match(/^#\d+/gm) ?? []
  assert.deepEqual(
    ids.filter((id, at) => id !== ids[at - 1]),
    ['#1', '#2', '#3'],
  )
})

test('a step that says more than memory should hold gets the floor though it is not its turn', () => {
  const line = `${'x'.repeat(1024 * 1024)}\n`
  const chatty: BuildEvent = { type: 'step-output', id: 3, stream: 'stdout', data: Buffer.from(line.repeat(33)) }
  assert.match(plain([...sampleBuild().slice(0, 5), chatty]), /^#3 0\.400 x+$/m)
})

function numbered(count: number): string {
  return Array.from({ length: count }, (_, at) => `line ${at}\n`).join('')
}

test('a picture of a running build', () => {
  const lines = frame(viewOf(sampleBuild()), NOW, { columns: 50, rows: 24, color: false })
  assert.deepEqual(lines, [
    '[+] Building 0.5s (2/3)',
    ' => CACHED [build 1/3] FROM debian            0.0s',
    ' => [build 2/3] RUN npm ci                    0.5s',
    ' => => # one',
    ' => => # two',
    ' => => # 20%',
    ' => => # no newline',
    ' => [build 3/3] COPY . .                      0.1s',
  ])
})

test('bytes moved are shown below a running step', () => {
  const lines = frame(viewOf(sampleBuild().slice(0, 9)), NOW, { columns: 50, rows: 24, color: false })
  assert.ok(lines.includes(' => => 1.5MB / 3MB'))
})

test('a narrow terminal cuts lines, a low one leaves out finished steps', () => {
  const lines = frame(viewOf(sampleBuild()), NOW, { columns: 24, rows: 8, color: false })
  assert.ok(lines.every(line => line.length <= 24))
  assert.ok(lines.length <= 7)
  assert.equal(lines[1], ' => (2 finished steps)')
  assert.ok(lines.includes(' => [build 2/3] RU… 0.5s'))
})

test('colours say how a step ended', () => {
  const lines = frame(viewOf([...sampleBuild(), ...sampleFailure()]), NOW, { columns: 50, color: true })
  assert.ok(lines.some(line => line.startsWith('\x1b[36m => CACHED')))
  assert.ok(lines.some(line => line.startsWith('\x1b[31m => ERROR [build 2/3] RUN npm ci')))
})

test('redrawing goes up over what was drawn and clears what is left', () => {
  assert.equal(redraw(0, ['a']), '\ra\x1b[K\n\x1b[J')
  assert.equal(redraw(2, ['a', 'b']), '\x1b[2A\ra\x1b[K\nb\x1b[K\n\x1b[J')
})

test('a failed step shows its last output', () => {
  assert.deepEqual(failureLines(viewOf([...sampleBuild(), ...sampleFailure()])), [
    '------',
    ' > [build 2/3] RUN npm ci:',
    '0.500 one',
    '0.500 two',
    '0.500 20%',
    '2.500 no newline',
    '------',
  ])
})

test('the explanation has every step, hits too, with every difference', () => {
  assert.deepEqual(explainLines(viewOf([...sampleBuild(), ...sampleEnd()])), [
    '[build 1/3] FROM debian',
    '  cached: same inputs',
    '[build 2/3] RUN npm ci',
    '  ran: the step before it changed',
    '[build 3/3] COPY . .',
    '  ran: src/main.js changed (content)',
    '    src/main.js: content',
  ])
})

const TEXTS: readonly (readonly [string, string])[] = [
  ['\x1b[1;31mred\x1b[0m', 'red'],
  ['\x1b]0;title\x07x', 'x'],
  ['\x1b[2J\x1b[Hgone', 'gone'],
  ['10%\r50%\r100%', '100%'],
  ['windows\r', 'windows'],
  ['a\tb', 'a    b'],
  ['bell\x07\x00', 'bell'],
]

for (const [raw, shown] of TEXTS) {
  test(`output ${JSON.stringify(raw)} is shown as ${shown}`, () => assert.equal(plainText(raw), shown))
}

test('a name of several lines becomes one', () => assert.equal(oneLine('RUN <<EOF\n  a\nEOF'), 'RUN <<EOF a EOF'))
test('clipping marks what is missing', () =>
  assert.deepEqual([clip('abc', 3), clip('abcd', 3), clip('a', 0)], ['abc', 'ab…', '']))

test('a character that is cut by a chunk is put together', () => {
  const splitter = new LineSplitter()
  const [first, second] = [Buffer.from('é\nx').subarray(0, 1), Buffer.from('é\nx').subarray(1)]
  assert.deepEqual(splitter.push(first), [])
  assert.deepEqual(splitter.push(second), ['é'])
  assert.deepEqual(splitter.end(), ['x'])
})
