import type { BuildEvent } from '../build/events.ts'
import { sha256 } from '../oci/digest.ts'

/** Events of a build of three steps, one of them with output; times as given, no clock. */
export function sampleBuild(): readonly BuildEvent[] {
  const at = 1_000_000
  const text = (words: string) => Buffer.from(words)
  return [
    {
      type: 'started',
      at,
      dockerfile: 'Dockerfile',
      steps: [
        { id: 1, name: '[build 1/3] FROM debian' },
        { id: 2, name: '[build 2/3] RUN npm ci' },
        { id: 3, name: '[build 3/3] COPY . .' },
      ],
    },
    { type: 'step-started', id: 1, at },
    { type: 'step-finished', id: 1, at, status: 'cached', durationMs: 0, reason: hit('same inputs') },
    { type: 'step-started', id: 2, at },
    { type: 'step-started', id: 3, at: at + 100 },
    { type: 'step-output', id: 2, stream: 'stdout', data: text('one\ntw') },
    { type: 'step-output', id: 3, stream: 'stdout', data: text('copied\n') },
    { type: 'step-output', id: 2, stream: 'stdout', data: text('o\n\x1b[31mred\x1b[0m 10%\r20%\n') },
    { type: 'step-progress', id: 3, unit: 'bytes', done: 1_500_000, total: 3_000_000 },
    {
      type: 'step-finished',
      id: 3,
      at: at + 200,
      status: 'ran',
      durationMs: 100,
      reason: { kind: 'context-changed', summary: 'src/main.js changed (content)', details: ['src/main.js: content'] },
    },
    { type: 'step-output', id: 2, stream: 'stderr', data: text('no newline') },
  ]
}

/** How it ends well. */
export function sampleEnd(): readonly BuildEvent[] {
  const at = 1_002_500
  return [
    {
      type: 'step-finished',
      id: 2,
      at,
      status: 'ran',
      durationMs: 2500,
      reason: { kind: 'parent-changed', summary: 'the step before it changed', details: [] },
    },
    {
      type: 'finished',
      at,
      durationMs: 2500,
      imageId: sha256('image'),
      written: [],
      names: ['docker.io/library/app:1'],
      ran: 2,
      cached: 1,
    },
  ]
}

/** How it ends badly. */
export function sampleFailure(): readonly BuildEvent[] {
  return [{ type: 'step-finished', id: 2, at: 1_002_500, status: 'failed', durationMs: 2500, exitCode: 7 }]
}

function hit(summary: string) {
  return { kind: 'hit', summary, details: [] } as const
}
