/**
 * Does `work` for every item, `limit` of them at a time. The first failure aborts the signal that the others have got,
 * and is thrown when all of them have stopped, so that nothing goes on behind the caller's back.
 */
export async function forEachParallel<T>(
  items: Iterable<T>,
  limit: number,
  signal: AbortSignal | undefined,
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failed = new AbortController()
  const both = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal])
  const queue = items[Symbol.iterator]()
  const errors: unknown[] = []
  const worker = async () => {
    for (let next = queue.next(); !next.done && !both.aborted; next = queue.next()) {
      try {
        await work(next.value, both)
      } catch (error) {
        errors.push(error)
        failed.abort(error)
      }
    }
  }
  await Promise.all(Array.from({ length: limit }, worker))
  if (errors.length > 0) throw errors[0]
  signal?.throwIfAborted()
}
