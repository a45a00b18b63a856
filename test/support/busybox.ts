import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cached, keyOf } from '../../scripts/bases/cache.ts'
import { mustRun } from '../../scripts/bases/process.ts'

const USER_SCRIPTS = fileURLToPath(new URL('../../scripts/bases/files/', import.meta.url))

const FOLDERS = [
  'bin',
  'dev',
  'etc',
  'home',
  'proc',
  'root',
  'sys',
  'tmp',
  'usr/bin',
  'usr/sbin',
  'var/spool/mail',
  'var/www',
]

const PASSWD = `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
bin:x:2:2:bin:/bin:/bin/false
sys:x:3:3:sys:/dev:/bin/false
sync:x:4:100:sync:/bin:/bin/sync
mail:x:8:8:mail:/var/spool/mail:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
operator:x:37:37:Operator:/var:/bin/false
nobody:x:65534:65534:nobody:/home:/bin/false
`

const GROUP = `root:x:0:
daemon:x:1:
bin:x:2:
sys:x:3:
adm:x:4:
tty:x:5:
disk:x:6:
lp:x:7:
mail:x:8:
kmem:x:9:
wheel:x:10:root
cdrom:x:11:
dialout:x:18:
floppy:x:19:
video:x:28:
audio:x:29:
tape:x:32:
www-data:x:33:
operator:x:37:
utmp:x:43:
plugdev:x:46:
staff:x:50:
lock:x:54:
netdev:x:82:
users:x:100:
nogroup:x:65534:
`

/**
 * A small root file system that stands for the `busybox` and `alpine` images: Debian's static busybox with its applets
 * as links in /bin, users and groups as those images have them, addgroup and adduser, /tmp. A folder in the cache: copy
 * it or import it, never change it. Needs apt-get and dpkg-deb, not root (files belong to whoever made it).
 */
export async function busyboxRootfs(): Promise<string> {
  const scripts = await Promise.all(['addgroup', 'adduser'].map(name => readFile(join(USER_SCRIPTS, name))))
  return cached(`busybox-rootfs-${keyOf(PASSWD, GROUP, ...FOLDERS, ...scripts)}`, async path => {
    for (const folder of FOLDERS) await mkdir(join(path, folder), { recursive: true })
    const busybox = join(path, 'bin/busybox')
    await unpackBusybox(busybox)
    const applets = (await mustRun(busybox, ['--list'])).split('\n').filter(name => name !== '' && name !== 'busybox')
    for (const applet of applets) await symlink('busybox', join(path, 'bin', applet))
    for (const name of ['addgroup', 'adduser']) {
      await copyFile(join(USER_SCRIPTS, name), join(path, 'usr/sbin', name))
      await chmod(join(path, 'usr/sbin', name), 0o755)
    }
    await writeFile(join(path, 'etc/passwd'), PASSWD)
    await writeFile(join(path, 'etc/group'), GROUP)
    await writeFile(join(path, 'etc/hostname'), 'localhost\n')
    await chmod(join(path, 'tmp'), 0o1777)
    await chmod(join(path, 'root'), 0o700)
  })
}

async function unpackBusybox(target: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'shale-busybox-'))
  try {
    await downloadBusybox(folder)
    const deb = (await readdir(folder)).find(name => name.endsWith('.deb'))
    if (deb === undefined) throw new Error('apt-get download busybox-static left no package')
    await mustRun('dpkg-deb', ['-x', join(folder, deb), join(folder, 'x')])
    const inner = (await readdir(join(folder, 'x'))).includes('bin') ? 'x/bin/busybox' : 'x/usr/bin/busybox'
    await copyFile(join(folder, inner), target)
    await chmod(target, 0o755)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** A fresh machine has no package lists yet; getting them needs root. */
async function downloadBusybox(folder: string): Promise<void> {
  const download = () => mustRun('apt-get', ['download', '-q', 'busybox-static'], { cwd: folder })
  try {
    await download()
  } catch {
    await mustRun('apt-get', ['update', '-q'])
    await download()
  }
}
