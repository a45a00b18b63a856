import { findContainer } from '../../container/find.ts'
import { optionsOf } from '../../container/options.ts'
import { ShaleError } from '../../error.ts'
import { socketAddress } from '../../network/options.ts'
import { bindings, portName } from '../../network/port-text.ts'
import { command } from '../command.ts'

export default command({
  usage: 'CONTAINER [PORT[/PROTO]]',
  about: 'Show where the published ports of a running container are reached.',
  examples: [
    ['port web', 'all of them'],
    ['port web 80', 'where its TCP port 80 is'],
  ],
  args: { min: 1, max: 2 },
  flags: {},
  async run(context, { args: [name = '', asked] }) {
    const row = findContainer(await context.store(), name)
    const ports = row.status === 'running' ? (optionsOf(row).networked?.ports ?? []) : []
    const word = asked === undefined || asked.includes('/') ? asked : `${asked}/tcp`
    const found = bindings(ports).filter(port => word === undefined || portName(port) === word)
    if (word !== undefined && found.length === 0) {
      throw new ShaleError('PORT_NOT_PUBLISHED', `no public port '${word}' published for ${name}`, { exitCode: 1 })
    }
    for (const port of found) {
      const at = socketAddress(port.address, port.hostPort)
      context.out.write(word === undefined ? `${portName(port)} -> ${at}\n` : `${at}\n`)
    }
    return 0
  },
})
