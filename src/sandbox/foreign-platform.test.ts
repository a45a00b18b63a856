import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parsePlatform } from '../oci/platform.ts'
import { checkRunnable } from './foreign-platform.ts'

const HOST = parsePlatform('linux/amd64')

/** As the kernel shows what Debian's qemu-user-static registers. */
const registered = (machine: string, flags: string, state = 'enabled', ident = '0201') =>
  `${state}\ninterpreter /usr/libexec/qemu-binfmt/x\nflags: ${flags}\noffset 0\nmagic 7f454c46${ident}010000000000000000000200${machine}\nmask ff\n`

function binfmt(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'shale-binfmt-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const [name, text] of Object.entries({ status: 'enabled\n', register: '', ...files })) {
    writeFileSync(join(folder, name), text)
  }
  return folder
}

test('what runs by itself, and what an emulator of the kernel runs', t => {
  const folder = binfmt(t, {
    'qemu-aarch64': registered('b700', 'OCF'),
    'qemu-s390x': registered('0016', 'F', 'enabled', '0202'),
    'qemu-riscv64': registered('f300', 'OC'),
    'qemu-ppc64le': registered('1500', 'F', 'disabled'),
    python: 'enabled\ninterpreter /usr/bin/python\nflags: \nextension .py\n',
  })
  for (const name of ['linux/amd64', 'linux/amd64/v2', 'linux/386', 'linux/arm64', 'linux/s390x']) {
    checkRunnable(parsePlatform(name), HOST, folder)
  }
  const refused: Readonly<Record<string, RegExp>> = {
    'linux/riscv64': /without the flag F/,
    'linux/ppc64le': /no emulator for it is registered/,
    'linux/arm': /RUN cannot run programs of linux\/arm\/v7 on linux\/amd64: no emulator/,
    'windows/amd64': /those of Linux only/,
  }
  for (const [name, message] of Object.entries(refused)) {
    assert.throws(() => checkRunnable(parsePlatform(name), HOST, folder), { code: 'PLATFORM_NOT_RUNNABLE', message })
  }
})

test('without binfmt_misc the error says what to install', () => {
  assert.throws(() => checkRunnable(parsePlatform('linux/arm64'), HOST, '/nowhere'), {
    hint: /^install qemu-aarch64: on Debian and Ubuntu, apt-get install qemu-user-static/,
  })
  checkRunnable(parsePlatform('linux/arm'), parsePlatform('linux/arm64'), '/nowhere')
})
