import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ContainerMount } from '../container/mounts/types.ts'
import { parseMount, parseTmpfs, parseVolume } from './mount-options.ts'

const rw = { readonly: false }
const ro = { readonly: true }

const VOLUMES: readonly (readonly [string, ContainerMount])[] = [
  ['/a:/b', { type: 'bind', source: '/a', target: '/b', ...rw }],
  ['./a:/b:ro', { type: 'bind', source: '/here/a', target: '/b', ...ro }],
  ['.:/b/:rw,z', { type: 'bind', source: '/here', target: '/b', ...rw }],
  ['../a:/b:readonly,Z,rprivate', { type: 'bind', source: '/a', target: '/b', ...ro }],
  ['data:/b', { type: 'volume', name: 'data', target: '/b', ...rw }],
  ['data:/b:ro,nocopy', { type: 'volume', name: 'data', target: '/b', ...ro, nocopy: true }],
  ['/b/../c', { type: 'volume', target: '/c', ...rw }],
]

const MOUNTS: readonly (readonly [string, ContainerMount])[] = [
  ['type=bind,source=/,target=/b,readonly', { type: 'bind', source: '/', target: '/b', ...ro }],
  ['type=bind,src=.,dst=/b,ro=false,bind-propagation=rprivate', { type: 'bind', source: '/', target: '/b', ...rw }],
  ['src=data,target=/b,volume-nocopy', { type: 'volume', name: 'data', target: '/b', ...rw, nocopy: true }],
  ['type=volume,destination=/b', { type: 'volume', target: '/b', ...rw }],
  [
    'src=data,dst=/b,volume-subpath=a/b,volume-label=x=1,"volume-opt=o=size=1,uid=2",volume-driver=local',
    {
      ...{ type: 'volume', name: 'data', target: '/b', ...rw, subpath: 'a/b' },
      ...{ labels: { x: '1' }, options: { o: 'size=1,uid=2' } },
    },
  ],
  [
    'type=tmpfs,dst=/b,tmpfs-size=64m,tmpfs-mode=1770',
    { type: 'tmpfs', target: '/b', ...rw, size: 67_108_864, mode: 0o1770 },
  ],
]

const TMPFS: readonly (readonly [string, ContainerMount])[] = [
  ['/run', { type: 'tmpfs', target: '/run', ...rw }],
  ['/run:rw,noexec,nosuid,size=1g,mode=755', { type: 'tmpfs', target: '/run', ...rw, size: 2 ** 30, mode: 0o755 }],
  ['/run:ro,exec', { type: 'tmpfs', target: '/run', ...ro, exec: true }],
]

for (const [text, mount] of VOLUMES) test(`-v ${text}`, () => assert.deepEqual(parseVolume(text, '/here'), mount))
for (const [text, mount] of MOUNTS) test(`--mount ${text}`, () => assert.deepEqual(parseMount(text, '/'), mount))
for (const [text, mount] of TMPFS) test(`--tmpfs ${text}`, () => assert.deepEqual(parseTmpfs(text), mount))

const REFUSED: readonly (readonly [string, string, RegExp])[] = [
  ['-v', '/a:b', /must be absolute/],
  ['-v', 'a', /must be absolute/],
  ['-v', '/a:/', /cannot be \//],
  ['-v', '/a:/b:x', /unknown option "x"/],
  ['-v', '/a:/b:nocopy', /unknown option "nocopy"/],
  ['-v', '/a:/b:ro:z', /too many colons/],
  ['-v', ':/b', /no source/],
  ['-v', '', /must be absolute/],
  ['-v', 'a/b:/c', /includes invalid characters for a local volume name/],
  ['-v', '/a:/b:rshared', /propagation rshared is not supported/],
  ['--mount', 'type=bind,target=/b', /it has no source/],
  ['--mount', 'type=bind,src=/nonexistent/a,target=/b', /bind source path does not exist: \/nonexistent\/a/],
  ['--mount', 'type=bnd,src=/,target=/b', /mount type unknown: "bnd"/],
  ['--mount', 'src=a', /must be absolute/],
  ['--mount', 'trget=/a', /unexpected key "trget"/],
  ['--mount', 'type=tmpfs,src=a,target=/b', /type tmpfs has no source/],
  ['--mount', 'type=tmpfs,target=/b,tmpfs-mode=9', /invalid mode "9"/],
  ['--mount', 'target=/b,readonly=perhaps', /write true or false|invalid value for readonly: perhaps/],
  ['--mount', 'target=/b,volume-driver=nfs', /no volume driver "nfs"/],
  ['--tmpfs', '/run:size=lots', /invalid size "lots"/],
  ['--tmpfs', '/run:magic', /unknown option "magic"/],
]

for (const [flag, text, message] of REFUSED) {
  const parse = { '-v': (word: string) => parseVolume(word, '/'), '--tmpfs': parseTmpfs }[flag]
  test(`${flag} ${JSON.stringify(text)} is refused`, () => {
    assert.throws(() => (parse ?? ((word: string) => parseMount(word, '/')))(text), { message })
  })
}
