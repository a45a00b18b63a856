import { shortDigest } from '../../oci/digest.ts'
import type { LayerEvent, OnTransferEvent } from '../../transfer/events.ts'
import type { Output } from '../command.ts'
import { humanSize } from '../format/size.ts'
import { redraw } from './terminal.ts'
import { clip } from './text.ts'

export type Direction = 'pull' | 'push' | 'load' | 'copy'

const WORDS: Readonly<Record<Direction, Readonly<Record<LayerEvent['state'], string>>>> = {
  pull: {
    waiting: 'Pulling fs layer',
    exists: 'Already exists',
    mounted: 'Already exists',
    moving: 'Downloading',
    done: 'Pull complete',
  },
  push: {
    waiting: 'Preparing',
    exists: 'Layer already exists',
    mounted: 'Mounted from',
    moving: 'Pushing',
    done: 'Pushed',
  },
  copy: {
    waiting: 'Waiting',
    exists: 'Already exists',
    mounted: 'Mounted from',
    moving: 'Copying',
    done: 'Copied',
  },
  load: {
    waiting: 'Waiting',
    exists: 'Already exists',
    mounted: 'Already exists',
    moving: 'Loading layer',
    done: 'Loaded',
  },
}

const REFRESH_MS = 100

/** A line as docker has it: `0123456789ab: Downloading  12MB/30MB`. */
export function transferLine(direction: Direction, event: LayerEvent): string {
  const { state, moved, size, from } = event
  const amount = state === 'moving' ? `  ${humanSize(moved)}/${humanSize(size)}` : ''
  return `${shortDigest(event.digest)}: ${WORDS[direction][state]}${from === undefined ? '' : ` ${from}`}${amount}`
}

export interface TransferProgress {
  readonly onEvent: OnTransferEvent
  end(): void
}

/** Shows layers on their way: on a terminal a line for each that changes, elsewhere a line for each change. */
export function showTransfer(direction: Direction, { out, err, debug }: TransferOutputs): TransferProgress {
  const shown = out.canRedraw ? liveTransfer(direction, out) : loggedTransfer(direction, out)
  const onEvent: OnTransferEvent = event => {
    if (event.kind === 'warning') err.write(`WARNING: ${event.message}\n`)
    else if (event.kind === 'detail') {
      if (debug) err.write(`DEBUG: ${event.message}\n`)
    } else shown.onEvent(event)
  }
  return { onEvent, end: shown.end }
}

/** Shows nothing but what `--debug` asks for. */
export function quietTransfer({ err, debug }: TransferOutputs): TransferProgress {
  const onEvent: OnTransferEvent = event => {
    if (event.kind === 'detail' && debug) err.write(`DEBUG: ${event.message}\n`)
  }
  return { onEvent, end: () => undefined }
}

/** Where the lines go; warnings and, with `debug`, details go to `err`. */
export interface TransferOutputs {
  readonly out: Output
  readonly err: Output
  readonly debug: boolean
}

function loggedTransfer(direction: Direction, out: Output): TransferProgress {
  const onEvent: OnTransferEvent = event => {
    if (event.kind === 'layer' && event.state !== 'moving') out.write(`${transferLine(direction, event)}\n`)
  }
  return { onEvent, end: () => undefined }
}

function liveTransfer(direction: Direction, out: Output): TransferProgress {
  const layers = new Map<string, LayerEvent>()
  let drawn = 0
  const draw = () => {
    if (layers.size === 0) return
    // More layers than the window has lines: those that are done need none.
    const all = [...layers.values()]
    const shown = all.length < out.rows ? all : all.filter(({ state }) => state === 'moving').slice(0, out.rows - 1)
    const lines = shown.map(event => clip(transferLine(direction, event), out.columns))
    out.write(redraw(drawn, lines))
    drawn = lines.length
  }
  const timer = setInterval(draw, REFRESH_MS)
  const onEvent: OnTransferEvent = event => {
    if (event.kind === 'layer') layers.set(event.digest, event)
  }
  const end = () => {
    clearInterval(timer)
    draw()
  }
  return { onEvent, end }
}
