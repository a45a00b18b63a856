import { accessSync, constants, existsSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { ShaleError } from '../error.ts'
import { openStore } from '../store/open.ts'
import type { Check, DoctorRequest } from './check.ts'

/** Less free space than this is worth a word, in bytes. */
const LITTLE = 2 * 1024 ** 3

/** Filesystem types by their numbers. Source: statfs(2). */
const NETWORK: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
])

/** Opens the store, which makes it when it is not there, as any command would. */
export function checkStore({ root }: DoctorRequest): readonly Check[] {
  try {
    openStore({ root, removeTree: async () => undefined }).close()
  } catch (error) {
    if (!(error instanceof ShaleError)) throw error
    return [{ name: 'store', status: 'missing', message: error.message, advice: error.hint ?? adviceFor(root) }]
  }
  const { type, bavail, bsize } = statfsSync(root)
  const free = bavail * bsize
  const shown = `${root}, ${(free / 1024 ** 3).toFixed(1)} GB free`
  const network = NETWORK.get(type)
  if (network !== undefined) {
    const advice = 'choose a store on a local disk with --root or SHALE_ROOT'
    return [
      { name: 'store', status: 'limited', message: `${shown}, on ${network}: RUN cannot be mounted there`, advice },
    ]
  }
  if (free < LITTLE) {
    const advice = '`shale system df` shows what takes it, `shale system prune` removes what is unused'
    return [{ name: 'store', status: 'limited', message: shown, advice }]
  }
  return [{ name: 'store', status: 'ok', message: shown }]
}

function adviceFor(root: string): string {
  let folder = root
  while (!existsSync(folder)) folder = dirname(folder)
  try {
    accessSync(folder, constants.W_OK)
    return 'choose another one with --root or SHALE_ROOT'
  } catch {
    return `${folder} cannot be written to: choose another store with --root or SHALE_ROOT`
  }
}
