import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { findContainer } from '../../container/find.ts'
import { processesOf } from '../../container/processes.ts'
import { notRunning } from '../../container/signal.ts'
import { isErrno, ShaleError } from '../../error.ts'
import { command } from '../command.ts'
import { renderTable } from '../format/table.ts'

export default command({
  usage: 'CONTAINER [ps OPTIONS]',
  about: 'Show the processes of a container that runs, as ps(1) of this machine has them; without options as ps -ef.',
  examples: [
    ['top web', 'all of them'],
    ['top web -o pid,rss,args', 'with the memory that each takes'],
  ],
  args: { min: 1, max: Number.POSITIVE_INFINITY },
  passThrough: true,
  flags: {},
  async run(context, { args: [name = '', ...words] }) {
    const store = await context.store()
    const row = findContainer(store, name)
    if (row.pid === undefined || row.status !== 'running') throw notRunning(row)
    const inside = processesOf(row.pid)
    const lines = (await ps(words.length === 0 ? ['-ef'] : words)).trimEnd().split('\n')
    const heading = lines[0]?.trim().split(/\s+/) ?? []
    const column = heading.indexOf('PID')
    if (column < 0) {
      throw new ShaleError('NO_PID_COLUMN', "Couldn't find PID field in ps output", { hint: 'have ps show pid, too' })
    }
    const rows = lines.slice(1).map(line => splitLine(line, heading.length))
    context.out.write(renderTable([heading, ...rows.filter(row => inside.has(Number(row[column])))]))
    return 0
  },
})

/** The last field may have spaces. */
function splitLine(line: string, fields: number): readonly string[] {
  const words = line.trim().split(/\s+/)
  return [...words.slice(0, fields - 1), words.slice(fields - 1).join(' ')]
}

async function ps(words: readonly string[]): Promise<string> {
  try {
    return (await promisify(execFile)('ps', words, { maxBuffer: 64 * 1024 * 1024 })).stdout
  } catch (error) {
    if (isErrno(error, 'ENOENT')) {
      throw new ShaleError('PS_MISSING', 'ps is not installed on this machine', { hint: 'install procps' })
    }
    const said = (error as { readonly stderr?: string }).stderr?.trim()
    throw new ShaleError('PS_FAILED', `ps ${words.join(' ')}: ${said || (error as Error).message}`)
  }
}
