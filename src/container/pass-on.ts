import type { RunningCommand } from '../sandbox/helper.ts'
import type { RunControl } from '../sandbox/run-request.ts'

/** Does what the control says, as far as there is a command. */
export function passOn(control: RunControl, command: RunningCommand | undefined): void {
  switch (control.kind) {
    case 'signal':
      command?.signal(control.signal)
      break
    case 'input':
      command?.type(control.chunk)
      break
    case 'resize':
      command?.resize(control.size)
      break
    case 'end-input':
      command?.endInput()
      break
  }
}
