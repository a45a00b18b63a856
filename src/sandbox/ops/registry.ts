import type { Handler, OperationName } from '../protocol.ts'

/** Every operation of the helper; loaded when first asked for, so that the helper starts fast. */
export const HANDLERS: { readonly [K in OperationName]: () => Promise<Handler<K>> } = {
  run: async () => (await import('./run.ts')).run,
  exec: async () => (await import('./exec.ts')).exec,
  applyBlob: async () => (await import('./apply-blob.ts')).applyBlob,
  writeTree: async () => (await import('./write-tree.ts')).writeTreeFromSources,
  diff: async () => (await import('./diff.ts')).diff,
  pack: async () => (await import('./pack.ts')).pack,
  removeTree: async () => (await import('./remove-tree.ts')).removeTree,
  readFile: async () => (await import('./read-file.ts')).readFile,
}
