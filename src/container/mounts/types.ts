/** Something that a container is to see at a path; plain data, for records. */
export type ContainerMount = BindMount | VolumeMount | TmpfsMount

interface Common {
  /** Absolute and clean, in the container. */
  readonly target: string
  readonly readonly: boolean
}

export interface BindMount extends Common {
  readonly type: 'bind'
  /** Absolute path of this machine. */
  readonly source: string
}

export interface VolumeMount extends Common {
  readonly type: 'volume'
  /** An anonymous volume is made when absent. */
  readonly name?: string | undefined
  /** Leave a new volume empty, whatever the image has there. */
  readonly nocopy?: boolean | undefined
  /** Only this folder of the volume. */
  readonly subpath?: string | undefined
  readonly labels?: Readonly<Record<string, string>> | undefined
  readonly options?: Readonly<Record<string, string>> | undefined
}

export interface TmpfsMount extends Common {
  readonly type: 'tmpfs'
  /** Bytes. */
  readonly size?: number | undefined
  readonly mode?: number | undefined
  /** Files in it can be executed. */
  readonly exec?: boolean | undefined
}

/** A mount whose volume is there. */
export type ResolvedMount =
  | BindMount
  | (VolumeMount & { readonly name: string; readonly anonymous: boolean })
  | TmpfsMount
