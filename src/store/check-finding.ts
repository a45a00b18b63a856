export type FindingKind =
  | 'database'
  | 'file'
  | 'blob'
  | 'layer'
  | 'table'
  | 'tree'
  | 'tag'
  | 'image'
  | 'record'
  | 'registry'

/** Something wrong with the store. */
export interface Finding {
  readonly kind: FindingKind
  /** A digest, a layer's or a tree's number, a tag's name, a path. */
  readonly id: string
  /** One sentence. */
  readonly problem: string
  /** What a repair does about it, or what the user can do. */
  readonly remedy: string
  /** Whether a repair mends it. */
  readonly mends: boolean
}
