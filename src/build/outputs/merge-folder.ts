import { lstatSync, mkdirSync, readdirSync, renameSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ShaleError } from '../../error.ts'

/**
 * Moves a folder's content to `target`: in one rename where nothing is, else entry by entry, each of which is there whole
 * or not at all. Files that `target` has besides stay. Throws `OUTPUT_CONFLICT` before anything has moved when a folder
 * would have to take the place of something else, or the other way round.
 */
export function mergeFolder(from: string, target: string): void {
  mkdirSync(dirname(target), { recursive: true })
  if (kindOf(target) === 'nothing') renameSync(from, target)
  else {
    checkMerge(from, target)
    moveInto(from, target)
  }
}

function checkMerge(from: string, target: string): void {
  const [ours, theirs] = [kindOf(from), kindOf(target)]
  if (theirs === 'nothing') return
  if ((ours === 'folder') !== (theirs === 'folder')) {
    const what = theirs === 'folder' ? 'a folder' : 'no folder'
    throw new ShaleError('OUTPUT_CONFLICT', `${target} is ${what}, but the output has ${ours} of that name`, {
      hint: 'remove it, or write to another folder',
    })
  }
  if (ours !== 'folder') return
  for (const name of readdirSync(from)) checkMerge(join(from, name), join(target, name))
}

function moveInto(from: string, target: string): void {
  for (const name of readdirSync(from)) {
    const [source, place] = [join(from, name), join(target, name)]
    if (kindOf(source) === 'folder' && kindOf(place) === 'folder') moveInto(source, place)
    else renameSync(source, place)
  }
}

/** A link is no folder, whatever it leads to: nothing is written through it. */
function kindOf(path: string): 'folder' | 'a file' | 'nothing' {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return 'nothing'
  return stat.isDirectory() ? 'folder' : 'a file'
}
