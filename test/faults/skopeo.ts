import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { runInPeerRoot, whyNoPeers } from '../peers/root.ts'
import type { Program } from './program.ts'

/** Says of every image of a store that another program reads it whole; gives how many there were. */
export type VerifyImages = (shale: Program, work: string) => Promise<number>

/** Undefined where the Debian root with skopeo cannot be made. */
export function skopeo(): VerifyImages | undefined {
  return whyNoPeers() === undefined ? verifyImages : undefined
}

/** Every image goes through an OCI archive into a folder; skopeo checks every digest on the way. */
async function verifyImages(shale: Program, work: string): Promise<number> {
  const ids = new Set((await shale.must(['images', '-aq', '--no-trunc'])).split('\n').filter(line => line !== ''))
  for (const id of ids) {
    const archive = join(work, 'saved.tar')
    const copied = join(work, 'copied')
    await shale.must(['save', '--format', 'oci-archive', '-o', archive, id])
    const copy = ['skopeo', '--insecure-policy', 'copy', '-q', `oci-archive:${archive}`, `dir:${copied}`]
    const { code, stderr } = await runInPeerRoot(copy, { binds: [{ host: work, inner: work }] })
    assert.equal(code, 0, stderr)
    for (const path of [archive, copied]) rmSync(path, { recursive: true, force: true })
  }
  return ids.size
}
