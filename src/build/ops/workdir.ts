import type { WorkdirInstruction } from '../../dockerfile/instruction.ts'
import { type ByteString, type DirectoryEntry, parentPath, toByteString } from '../../layer/entry.ts'
import { tocOf } from '../../layer/toc.ts'
import { contentId } from '../../layer/toc-codec.ts'
import { cleanPath, resolvePath } from '../../rootfs/resolve.ts'
import type { FileView } from '../../rootfs/view.ts'
import type { BuildContext } from '../build-context.ts'
import { keyedStep } from '../keyed-step.ts'
import type { StageState } from '../stage-state.ts'
import { processIdentity } from '../users.ts'
import { extend } from './extend.ts'
import type { StepPosition } from './step-position.ts'

/** The folder that WORKDIR names, after those before it: `/app/src`. */
export function nextWorkdir(state: StageState, path: string): string {
  return `/${cleanPath(path, state.config.WorkingDir ?? '')}`
}

/** Sets the working directory, and makes it for the current USER if it is not there. */
export async function workdirStep(
  context: BuildContext,
  state: StageState,
  instruction: WorkdirInstruction,
  at: StepPosition,
): Promise<StageState> {
  const workdir = nextWorkdir(state, instruction.path)
  const createdBy = `WORKDIR ${workdir}`
  return context.steps.run(at.info, context.signal, async () => {
    const view = await context.layers.view(state.layers)
    const path = resolvePath(view, toByteString(workdir))
    const withConfig = { ...state, config: { ...state.config, WorkingDir: workdir } }
    if (view.lookup(path)?.kind === 'directory') {
      const history = [...state.history, { created_by: createdBy, empty_layer: true }]
      return { value: { ...withConfig, history }, status: 'cached' as const }
    }
    const owner = await processIdentity(state.config.User ?? '', file => context.layers.readFile(state.layers, file))
    const toc = tocOf(missingDirectories(view, path, { ...owner, mtime: context.now }))
    const outcome = await keyedStep(
      context,
      {
        stage: at.stage,
        ordinal: at.ordinal,
        title: instruction.text,
        kind: 'workdir',
        ingredients: [{ name: 'files', value: contentId(toc) }],
        files: { toc, sourceName: name => `/${name}` },
        above: state.lastChange?.title,
      },
      () => context.store.layers.add(context.lease, { toc }),
    )
    const value = extend(withConfig, outcome.value, 'clamp', {
      title: instruction.text,
      createdBy,
      ran: outcome.status === 'ran',
    })
    return { ...outcome, value }
  })
}

/** New directories, and the existing ones above them as they are. */
export function missingDirectories(
  view: FileView,
  path: ByteString,
  owner: { readonly uid: number; readonly gid: number; readonly mtime: number },
): readonly DirectoryEntry[] {
  const { uid, gid, mtime } = owner
  const entries: DirectoryEntry[] = []
  for (let at = path; at !== ''; at = parentPath(at)) {
    const existing = view.lookup(at)
    if (existing?.kind === 'directory') {
      const { opaque: _, ...plain } = existing
      entries.push(plain)
    } else entries.push({ kind: 'directory', path: at, mode: 0o755, uid, gid, mtime, mtimeNs: 0 })
  }
  return entries
}
