import { containerNamed, findContainer } from '../container/find.ts'
import { ShaleError } from '../error.ts'
import type { Platform } from '../oci/platform.ts'
import type { LocalStore } from '../store/open.ts'
import { findImage, resolveImage } from '../store/resolve.ts'
import type { ImageSummary } from '../store/types.ts'
import type { Context } from './command.ts'
import { containerShape } from './container-shape.ts'
import { formatOne, parseFormat } from './format/format.ts'
import { goJson } from './format/template/value.ts'
import { inspectShape } from './inspect-shape.ts'
import { layerSizes, sum } from './layer-sizes.ts'
import { describeError } from './print-error.ts'

/** Prints the documents of everything that is named, and says what is not there. */
export async function inspectObjects(
  context: Context,
  names: readonly string[],
  options: { readonly format: string | undefined; readonly find: (store: LocalStore, name: string) => Promise<object> },
): Promise<number> {
  const format = options.format === 'json' ? '{{json .}}' : options.format
  if (format !== undefined) parseFormat(format)
  const store = await context.store()
  const found: object[] = []
  const failures: unknown[] = []
  for (const name of names) {
    try {
      found.push(await options.find(store, name))
    } catch (error) {
      failures.push(error)
    }
  }
  const output = format === undefined ? `${goJson(found, '    ')}\n` : found.map(one => formatOne(format, one)).join('')
  context.out.write(output === '' ? '\n' : output)
  for (const failure of failures) context.err.write(`${describeError(failure, context.debug)}\n`)
  return failures.length === 0 ? 0 : 1
}

/** Containers alone. */
export async function inspectContainer(store: LocalStore, name: string): Promise<object> {
  return containerShape(store, findContainer(store, name))
}

/** Of the same name, docker takes the container. */
export async function inspectAny(store: LocalStore, name: string, platform: Platform | undefined): Promise<object> {
  const container = platform === undefined ? containerNamed(store, name) : undefined
  if (container !== undefined) return containerShape(store, container)
  if (findImage(store, name) === undefined) throw new ShaleError('NO_SUCH_OBJECT', `No such object: ${name}`)
  return await inspectImage(store, name, platform)
}

/** An image as `inspect` shows it. */
export async function inspectImage(store: LocalStore, name: string, platform: Platform | undefined): Promise<object> {
  const { id } = resolveImage(store, name)
  const image = await store.images.open(id, platform)
  const summary = store.images.get(id) as ImageSummary
  const tags = summary.names.flatMap(tag => store.images.getTag(tag) ?? [])
  return inspectShape(summary, image, sum(layerSizes(store, image)), tags)
}
