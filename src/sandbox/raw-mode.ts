import { call } from './libc.ts'

/** More than any C library's `struct termios` has. */
const TERMIOS_BYTES = 256
const TCSANOW = 0

/**
 * Has a terminal hand on every key as it is, none of them with a meaning, and print every byte as it is; gives the
 * function that makes it again as it was. Unlike Node's raw mode, that leaves no line ends to be translated either.
 */
export function rawMode(fd: number): () => void {
  const before = Buffer.alloc(TERMIOS_BYTES)
  call('tcgetattr', undefined, fd, before)
  const raw = Buffer.from(before)
  call('cfmakeraw', undefined, raw)
  call('tcsetattr', undefined, fd, TCSANOW, raw)
  return () => void call('tcsetattr', undefined, fd, TCSANOW, before)
}
