import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { type TreeOptions, writeTree } from './apply.ts'
import { diffTree } from './diff.ts'
import { findEntry, type Toc, tocOf } from './toc.ts'

/** What a process does to a mounted root filesystem, and the layer that comes of it. */
const TABLE: readonly (readonly [what: string, script: string, layer: readonly string[]])[] = [
  ['nothing', 'true', []],
  ['reading', 'cat d/a etc/passwd >/dev/null; ls -R . >/dev/null', []],
  ['a new file and directory', 'mkdir new; echo x > new/f; touch -d @5 new', ['directory new', 'file new/f']],
  ['a change', 'echo more >> d/a', ['directory d', 'file d/a']],
  ['a deletion', 'rm d/a', ['directory d', 'whiteout d/a']],
  ['the deletion of a directory', 'rm -r d', ['whiteout d']],
  ['a directory made anew hides the old one', 'rm -r d; mkdir d; echo y > d/b', ['opaque d', 'file d/b']],
  ['a directory in the place of a file', 'rm d/a; mkdir d/a; touch d/a/x', ['directory d', 'opaque d/a', 'file d/a/x']],
  ['a file in the place of a directory', 'rm -r d; echo z > d', ['file d']],
  ['a mode', 'chmod 600 etc/passwd', ['directory etc', 'file etc/passwd']],
  ['a touch that changes nothing', 'touch -m -d @1234567890 etc/passwd', []],
  ['a new link to an old file carries it along', 'ln d/a d/new', ['directory d', 'file d/a', 'hardlink d/new']],
  ['a change by one of two names', 'echo x >> linked/one', ['directory linked', 'file linked/one']],
  ['two new names', 'echo x > one; ln one two', ['file one', 'hardlink two']],
  ['a symlink that points elsewhere', 'ln -sfn /tmp l', ['symlink l']],
  ['a rename', 'mv d/a d/z', ['directory d', 'whiteout d/a', 'file d/z']],
  ['what is made and removed again', 'touch n; rm n', []],
  ['a pipe and a device', 'mkfifo p; mknod c c 1 3', ['char c', 'fifo p']],
  ['the root alone', 'chmod 700 .', ['directory ']],
]

const COMMON = { mode: 0o644, uid: 0, gid: 0, mtime: 1_234_567_890, mtimeNs: 0 } as const
const directory = (path: string) => ({ kind: 'directory', path, ...COMMON, mode: 0o755 }) as const
const file = (path: string) => ({ kind: 'file', path, ...COMMON, size: path.length, digest: '' }) as const
const LOWER: Toc = tocOf([
  directory(''),
  directory('d'),
  directory('etc'),
  directory('linked'),
  file('d/a'),
  file('etc/passwd'),
  file('linked/one'),
  { kind: 'hardlink', path: 'linked/two', ...COMMON, target: 'linked/one' },
  { kind: 'symlink', path: 'l', ...COMMON, mode: 0o777, target: 'd' },
])

const OPTIONS: TreeOptions = { overlay: 'trusted', ownership: 'real' }
const MOUNT = [
  'mount -t overlay overlay -o redirect_dir=off,metacopy=off,index=off,lowerdir=lower,upperdir=upper,workdir=work merged',
  'cd merged',
]

/** overlayfs cannot be stacked on every file system, nor mounted by everyone. */
function mountable(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  const folder = prepare()
  try {
    return spawnSync('unshare', ['-m', 'sh', '-ec', MOUNT.join('\n')], { cwd: folder }).status === 0
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function prepare(): string {
  const folder = mkdtempSync(join(tmpdir(), 'shale-overlay-'))
  for (const name of ['lower', 'upper', 'work', 'merged']) mkdirSync(join(folder, name))
  return folder
}

describe('what a process does on a real overlayfs', {
  skip: mountable() ? false : 'overlayfs cannot be mounted here',
}, () => {
  for (const [what, script, layer] of TABLE) {
    test(what, async () => {
      const folder = prepare()
      try {
        const lower = await writeTree(LOWER, entry => Buffer.from(entry.path), join(folder, 'lower'), OPTIONS)
        execFileSync('unshare', ['-m', 'sh', '-ec', [...MOUNT, script].join('\n')], { cwd: folder })
        const { toc } = await diffTree(join(folder, 'upper'), {
          overlay: 'trusted',
          lower: path => findEntry(lower, path),
        })
        const seen = toc.entries.map(
          entry => `${entry.kind === 'directory' && entry.opaque === true ? 'opaque' : entry.kind} ${entry.path}`,
        )
        assert.deepEqual(seen, layer)
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    })
  }
})
