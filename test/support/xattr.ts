import koffi from 'koffi'

const ENODATA = 61
const ENOTSUP = 95
const MOST_BYTES = 65_536

type Call = (...args: readonly unknown[]) => number

interface Calls {
  readonly list: Call
  readonly get: Call
  readonly set: Call
}

function load(): Calls {
  const libc = koffi.load('libc.so.6')
  return {
    list: libc.func('long llistxattr(const uint8_t *path, uint8_t *list, size_t size)'),
    get: libc.func('long lgetxattr(const uint8_t *path, const char *name, uint8_t *value, size_t size)'),
    set: libc.func(
      'int lsetxattr(const uint8_t *path, const char *name, const uint8_t *value, size_t size, int flags)',
    ),
  }
}

let loaded: Calls | undefined

function calls(): Calls {
  loaded ??= load()
  return loaded
}

function checked(result: number, call: string, path: Uint8Array): number {
  if (result >= 0) return result
  throw new Error(`${call} ${Buffer.from(path).toString()}: errno ${koffi.errno()}`)
}

const terminated = (path: Uint8Array) => Buffer.concat([path, Buffer.of(0)])

/** The extended attributes of a path itself (links are not followed): names to values in hex, sorted by name. */
export function listXattrs(path: Uint8Array): Readonly<Record<string, string>> {
  const buffer = Buffer.alloc(MOST_BYTES)
  const size = calls().list(terminated(path), buffer, buffer.length)
  if (size < 0 && koffi.errno() === ENOTSUP) return {}
  const names = buffer
    .toString('utf8', 0, checked(size, 'llistxattr', path))
    .split('\0')
    .filter(Boolean)
    .sort()
  return Object.fromEntries(names.flatMap(name => readXattr(path, name, buffer)))
}

function readXattr(path: Uint8Array, name: string, buffer: Buffer): readonly (readonly [string, string])[] {
  const size = calls().get(terminated(path), name, buffer, buffer.length)
  // Removed since it was listed.
  if (size < 0 && koffi.errno() === ENODATA) return []
  return [[name, buffer.toString('hex', 0, checked(size, `lgetxattr ${name}`, path))]]
}

/** Sets an extended attribute of a path itself. */
export function setXattr(path: string, name: string, value: Uint8Array): void {
  const target = Buffer.from(path)
  checked(calls().set(terminated(target), name, value, value.length, 0), `lsetxattr ${name}`, target)
}
