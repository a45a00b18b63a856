/** Flips one bit of the byte there. */
export function flipBit(bytes: Buffer, at: number, random: () => number): void {
  bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8))
}

/** Where a byte is that is not zero: most likely part of a row, as most pages of a database are not full. */
export function usedByte(bytes: Buffer, random: () => number, from = 0, length = bytes.length): number {
  for (let attempt = 0; ; attempt++) {
    const at = from + Math.floor(random() * length)
    if (bytes[at] !== 0 || attempt === 1000) return at
  }
}
