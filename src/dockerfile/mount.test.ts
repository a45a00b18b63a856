import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MountSpec } from './instruction.ts'
import { parseMount } from './mount.ts'
import { parseDockerfile } from './parse.ts'

function specOf(text: string): { spec: MountSpec; file: ReturnType<typeof parseDockerfile> } {
  const file = parseDockerfile(`FROM a\nRUN --mount=${text} true`)
  const instruction = file.stages[0]!.instructions[0]!
  assert.ok(instruction.kind === 'run')
  return { spec: instruction.mounts[0]!, file }
}

const expand = (value: string): string => value.replace('$V', 'value')

const MOUNTS: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
  ['target=/x', { type: 'bind', target: '/x', readOnly: true }],
  ['type=bind,from=s,src=a,dst=/$V,rw', { type: 'bind', from: 's', source: 'a', target: '/value', readOnly: false }],
  ['type=bind,source=a,destination=/x,readwrite=false', { type: 'bind', source: 'a', target: '/x', readOnly: true }],
  ['type=cache,target=/x', { type: 'cache', target: '/x', sharing: 'shared', readOnly: false }],
  [
    'TYPE=Cache,id=$V,target=/x,sharing=Locked,uid=1,gid=2,mode=0751,ro',
    { type: 'cache', id: 'value', target: '/x', sharing: 'locked', uid: 1, gid: 2, mode: 0o751, readOnly: true },
  ],
  ['target=/x,type=tmpfs,size=128m', { type: 'tmpfs', target: '/x', size: 128 * 1024 * 1024, readOnly: false }],
  ['type=secret,target=/etc/pass,required', { type: 'secret', id: 'pass', target: '/etc/pass', required: true }],
  ['type=secret,id=k,env=K,mode=400', { type: 'secret', id: 'k', env: 'K', required: false, mode: 0o400 }],
  ['type=ssh', { type: 'ssh', required: false }],
  ['type=ssh,id=k,required=1', { type: 'ssh', id: 'k', required: true }],
  ['\'"target=/a,b",ro=true\'', { type: 'bind', target: '/a,b', readOnly: true }],
]

for (const [text, expected] of MOUNTS) {
  test(`mount ${text}`, () => {
    const found = Object.entries(parseMount(specOf(text).spec, expand)).filter(([, value]) => value !== undefined)
    assert.deepEqual(Object.fromEntries(found), expected)
  })
}

const BAD: readonly (readonly [text: string, message: string, marked: string, hint?: string])[] = [
  ['typ=tmpfs', "unexpected key 'typ' in 'typ=tmpfs'", 'typ=tmpfs', 'did you mean type?'],
  ['target=/x,type=tmp', 'unsupported mount type "tmp"', 'type=tmp', 'did you mean tmpfs?'],
  ['type=cache,sharing=lockd', 'unsupported sharing value "lockd"', 'sharing=lockd', 'did you mean locked?'],
  ['target', "invalid field 'target' must be a key=value pair", 'target'],
  ['required', "unexpected key 'required' for mount type 'bind'", 'required'],
  ['size=1', "unexpected key 'size' for mount type 'bind'", 'size=1'],
  ['uid=1', 'uid not allowed for "bind" type mounts', 'uid=1'],
  ['type=cache,uid=x', 'invalid value x for uid', 'uid=x'],
  ['type=cache,mode=9', 'invalid value 9 for mode', 'mode=9'],
  ['type=tmpfs,size=big', 'invalid value for size: big', 'size=big', 'write for example 128m'],
  ['ro=maybe', 'invalid value for ro: maybe', 'ro=maybe'],
  ['sharing=shared', 'invalid cache sharing set for bind mount', 'sharing=shared'],
  ['type=secret,from=x', 'secret mount should not have a from', 'from=x'],
  ['type=secret', 'invalid secret mount. one of source, target required', 'type=secret'],
  ['type=secret,src=a,id=b', "both source and id can't be set", 'type=secret,src=a,id=b'],
]

for (const [text, message, marked, hint] of BAD) {
  test(`bad mount ${text}`, () => {
    const { spec, file } = specOf(text)
    const column = file.text.split('\n')[1]!.indexOf(marked) + 1
    const range = { start: { line: 2, column }, end: { line: 2, column: column + marked.length } }
    const expected = { code: 'DOCKERFILE_MOUNT', message, source: { file: file.file, text: file.text, range } }
    assert.throws(() => parseMount(spec, expand, file), hint === undefined ? expected : { ...expected, hint })
  })
}
