// Loaded into a process under test: writes its peak memory in KiB into a file when it ends. Not `maxRSS`: that begins
// with what the process had that started this one.
import { readFileSync, writeFileSync } from 'node:fs'

const path = process.env.SHALE_TEST_MEMORY
if (path !== undefined) {
  process.on('exit', () => {
    const status = readFileSync('/proc/self/status', 'utf8')
    writeFileSync(path, /^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1] ?? '')
  })
}
