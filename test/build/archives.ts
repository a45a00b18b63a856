import { spawnSync } from 'node:child_process'

export interface Member {
  readonly path: string
  readonly content?: string
  readonly symlink?: string
  readonly hardlink?: string
  readonly mode?: number
  /** Seconds since the epoch. */
  readonly mtime?: number
}

/** A tar archive as ustar has it; a path that ends in `/` is a directory. */
export function tarOf(members: readonly Member[]): Buffer {
  return Buffer.concat([...members.map(block), Buffer.alloc(1024)])
}

function block({ path, content = '', symlink, hardlink, mode, mtime = 1_600_000_000 }: Member): Buffer {
  const type = symlink !== undefined ? '2' : hardlink !== undefined ? '1' : path.endsWith('/') ? '5' : '0'
  const data = type === '0' ? Buffer.from(content) : Buffer.alloc(0)
  const header = Buffer.alloc(512)
  header.write(path, 0)
  header.write(octal(mode ?? (type === '5' ? 0o755 : 0o644), 7), 100)
  header.write(octal(0, 7), 108)
  header.write(octal(0, 7), 116)
  header.write(octal(data.length, 11), 124)
  header.write(octal(mtime, 11), 136)
  header.write('        ', 148)
  header.write(type, 156)
  header.write(symlink ?? hardlink ?? '', 157)
  header.write('ustar\x0000', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${octal(sum, 6)}\0 `, 148)
  return Buffer.concat([header, data, Buffer.alloc((512 - (data.length % 512)) % 512)])
}

function octal(value: number, width: number): string {
  return value.toString(8).padStart(width, '0')
}

/** Compresses with a program of the machine; undefined when it is not installed. */
export function compressed(program: 'bzip2' | 'xz', data: Uint8Array): Buffer | undefined {
  const { status, stdout } = spawnSync(program, ['-c'], { input: data })
  return status === 0 ? stdout : undefined
}
