import type { Handler, OperationName } from '../protocol.ts'
import { run } from './run.ts'

/** Every operation of the helper. */
export const HANDLERS: { readonly [K in OperationName]: Handler<K> } = { run }
