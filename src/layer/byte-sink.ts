/** A growing buffer for varints, strings and bytes. */
export class ByteSink {
  #buffer: Buffer
  #length = 0

  constructor(capacity: number) {
    this.#buffer = Buffer.allocUnsafe(capacity)
  }

  get length(): number {
    return this.#length
  }

  view(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  byte(value: number): void {
    if (this.#length === this.#buffer.length) this.#grow(1)
    this.#buffer[this.#length++] = value
  }

  bytes(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#buffer.length) this.#grow(bytes.length)
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.length
  }

  /** A safe integer of 0 or more, LEB128. */
  varint(value: number): void {
    if (this.#length + 8 > this.#buffer.length) this.#grow(8)
    let rest = value
    while (rest >= 0x80) {
      this.#buffer[this.#length++] = (rest % 0x80) | 0x80
      // Shifts work on 32 bits only.
      rest = rest < 0x80000000 ? rest >>> 7 : Math.floor(rest / 0x80)
    }
    this.#buffer[this.#length++] = rest
  }

  signed(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value)
  }

  string(bytes: string): void {
    this.stringFrom(bytes, 0)
  }

  /** The part of a byte string from `start` on. */
  stringFrom(bytes: string, start: number): void {
    const length = bytes.length - start
    this.varint(length)
    if (this.#length + length > this.#buffer.length) this.#grow(length)
    const buffer = this.#buffer
    let at = this.#length
    for (let i = start; i < bytes.length; i++) buffer[at++] = bytes.charCodeAt(i)
    this.#length = at
  }

  #grow(room: number): void {
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + room))
    larger.set(this.view())
    this.#buffer = larger
  }
}
