import { closeSync, constants, openSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { deserialize, serialize } from 'node:v8'
import { isErrno } from '../error.ts'
import type { RunControl, RunOutput, RunResult, TerminalSize } from '../sandbox/run-request.ts'

/** A further command in a container; what is not said is as the container's own command has it. */
export interface ExecOptions {
  readonly args: readonly string[]
  /** On top of the container's. */
  readonly env: readonly string[]
  readonly workdir?: string | undefined
  readonly user?: string | undefined
  readonly privileged?: boolean | undefined
  readonly terminal?: TerminalSize | undefined
  readonly stdin: boolean
}

/** What is asked of a container's supervisor. */
export type ToSupervisor =
  | { readonly kind: 'control'; readonly control: RunControl }
  | { readonly kind: 'stop'; readonly signal: NodeJS.Signals; readonly timeoutMs: number | undefined }
  /** Sends what the container writes from now on; controls of this connection that are input go there. */
  | { readonly kind: 'attach' }
  /** The only message of its connection but for controls, which are the new command's. */
  | { readonly kind: 'exec'; readonly options: ExecOptions }

/** What it answers; a connection without an answer ends with the container. */
export type FromSupervisor =
  | { readonly kind: 'attached' }
  | { readonly kind: 'output'; readonly output: RunOutput }
  | { readonly kind: 'started' }
  /** The last one: the container has ended and is not started again. */
  | { readonly kind: 'ended'; readonly exitCode: number }
  | { readonly kind: 'result'; readonly result: RunResult }
  | { readonly kind: 'failure'; readonly code: string; readonly message: string; readonly hint?: string | undefined }

/** Messages both ways over a socket of the container's folder, which only its owner can open. */
export interface Channel<In, Out> {
  /** Resolves when the other end keeps up. */
  send(message: Out): Promise<void>
  onMessage(listener: (message: In) => void): void
  readonly closed: Promise<void>
  end(): void
}

/** Far above a piece of output; what is larger is no message. */
const LIMIT = 64 * 1024 * 1024

/** A socket's path is short (108 bytes), and a store's folder may not be. */
function shortPath<T>(folder: string, name: string, use: (path: string, close: () => void) => T): T {
  const fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  return use(`/proc/self/fd/${fd}/${name}`, () => closeSync(fd))
}

export function listen(
  folder: string,
  name: string,
  onConnection: (channel: Channel<ToSupervisor, FromSupervisor>) => void,
): Promise<Server> {
  return shortPath(folder, name, (path, close) => {
    // Of a supervisor that was killed.
    rmSync(path, { force: true })
    const server = createServer(socket => onConnection(channel(socket)))
    return new Promise((resolve, reject) => {
      server.once('error', reject).listen(path, () => resolve(server.off('error', reject)))
      server.once('close', close)
    })
  })
}

/** Undefined when nobody listens there (any more). */
export function dial(folder: string, name: string): Promise<Channel<FromSupervisor, ToSupervisor> | undefined> {
  try {
    return shortPath(folder, name, (path, close) => {
      const socket = connect(path)
      return new Promise((resolve, reject) => {
        socket.once('connect', () => resolve(channel(socket)))
        socket.once('error', error => {
          if (isErrno(error, 'ENOENT', 'ECONNREFUSED', 'ECONNRESET')) resolve(undefined)
          else reject(error)
        })
        socket.once('close', close)
      })
    })
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return Promise.resolve(undefined)
    throw error
  }
}

function channel<In, Out>(socket: Socket): Channel<In, Out> {
  let pending: Buffer = Buffer.alloc(0)
  let listener: ((message: In) => void) | undefined
  const early: In[] = []
  const closed = new Promise<void>(resolve => socket.once('close', () => resolve()))
  socket.on('error', () => {})
  socket.on('data', (chunk: Buffer) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
    while (pending.length >= 4) {
      const length = pending.readUInt32LE(0)
      if (length > LIMIT) return void socket.destroy()
      if (pending.length < 4 + length) break
      const message = deserialize(pending.subarray(4, 4 + length)) as In
      pending = pending.subarray(4 + length)
      if (listener === undefined) early.push(message)
      else listener(message)
    }
  })
  return {
    send: message => {
      const body = serialize(message)
      const head = Buffer.alloc(4)
      head.writeUInt32LE(body.length)
      if (socket.destroyed || socket.write(Buffer.concat([head, body]))) return Promise.resolve()
      return Promise.race([new Promise<void>(resolve => socket.once('drain', () => resolve())), closed])
    },
    onMessage: next => {
      listener = next
      for (const message of early.splice(0)) next(message)
    },
    closed,
    end: () => void socket.end(),
  }
}
