import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openHelper } from './helper.ts'
import type { RunConfig } from './run-request.ts'
import { collector, makeTrees } from './testing.ts'

for (const rootless of process.geteuid?.() === 0 ? [false, true] : [true]) {
  test(`exec: a further command in a container that runs${rootless ? ', without root' : ''}`, async t => {
    const trees = makeTrees()
    t.after(trees.remove)
    const helper = await openHelper({ root: trees.root, rootless })
    t.after(helper.close)
    const end = new AbortController()
    let started = (_pid: number) => {}
    const running = new Promise<number>(resolve => {
      started = resolve
    })
    const request = trees.request(['sh', '-c', 'echo own > /made; exec sleep 100'], {
      networkMode: 'none',
      hostname: 'inside',
    })
    const whole = helper.run(request, { signal: end.signal, onStarted: pid => started(pid) })
    whole.catch(() => {})
    const pid = await running
    const exec = async (args: readonly string[], more: Partial<RunConfig> = {}) => {
      const { onOutput, text } = collector()
      const result = await helper.exec({ pid, config: { ...request.config, args, ...more } }, { onOutput })
      return [result.exitCode, text().replaceAll('\r', '')] as const
    }
    assert.deepEqual(await exec(['cat', '/made']), [0, 'own\n'])
    assert.deepEqual(await exec(['hostname']), [0, 'inside\n'])
    assert.deepEqual(await exec(['sh', '-c', 'exit 42']), [42, ''])
    assert.deepEqual(await exec(['sh', '-c', 'kill -9 $$']), [137, ''])
    assert.equal((await exec(['nothing']))[0], 127)
    const terminal = { rows: 24, columns: 80 }
    assert.deepEqual(await exec(['sh', '-c', 'test -t 0 && test -t 1 && echo yes'], { terminal }), [0, 'yes\n'])
    end.abort()
    await assert.rejects(whole)
  })
}
