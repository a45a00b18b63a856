import { filterArchs } from './seccomp/numbers.ts'

/** For the test of break-outs: what an attacker in a container tries, in Perl, which can make any system call. */
export interface Attack {
  readonly name: string
  /** `SYS_name` stands for the number of a call. True, or not -1, means that it has worked. */
  readonly code: string
}

const call = (name: string, ...args: readonly (string | number)[]): Attack => {
  return { name: `${name}(${args.join(', ')})`, code: `sys(${[`SYS_${name}`, ...args].join(', ')}) != -1` }
}
const write = (path: string, text = '1'): Attack => {
  return { name: `write ${path}`, code: `writes(${JSON.stringify(path)}, ${JSON.stringify(text)})` }
}
const reads = (path: string): Attack => ({ name: `read ${path}`, code: `reads(${JSON.stringify(path)})` })
/** By number, so that it does not matter whether the host has it. */
const device = (folder: string, kind: 'b' | 'c', major: number, minor: number): Attack => {
  const mode = kind === 'b' ? 0o60600 : 0o20600
  const path = `${folder}/evil-${kind}${major}-${minor}`
  return {
    name: `open a device ${kind} ${major}:${minor} made in ${folder || '/'}`,
    code: `(sys(SYS_mknodat, -100, "${path}", ${mode}, ${major * 256 + minor}), reads("${path}"))[1]`,
  }
}

const NEWUSER = 0x10000000
const NEWNS = 0x20000

export const ATTACKS: Readonly<Record<string, readonly Attack[]>> = {
  mounts: [
    call('mount', '"tmpfs"', '"/tmp"', '"tmpfs"', 0, 0),
    call('mount', '"proc"', '"/tmp"', '"proc"', 0, 0),
    call('mount', '"/"', '"/tmp"', '"none"', 4096, 0),
    // MS_REMOUNT | MS_BIND, without MS_RDONLY
    call('mount', '"none"', '"/proc/sys"', '"none"', 4128, 0),
    call('mount', '"none"', '"/sys"', '"none"', 4128, 0),
    call('umount2', '"/proc/keys"', 2),
    call('umount2', '"/proc/sys"', 2),
    call('pivot_root', '"/"', '"/tmp"'),
    call('fsopen', '"tmpfs"', 0),
    call('open_tree', -100, '"/"', 1),
    call('mount_setattr', -100, '"/proc/sys"', 0, '"\\0" x 32', 32),
  ],
  devices: ['', '/dev', '/dev/shm', '/tmp', '/volume'].flatMap(folder => [
    // A disk, memory, the kernel's log.
    device(folder, 'b', 8, 0),
    device(folder, 'b', 254, 0),
    device(folder, 'c', 1, 1),
    device(folder, 'c', 1, 11),
  ]),
  namespaces: [
    call('unshare', NEWUSER),
    call('unshare', NEWNS),
    call('unshare', NEWUSER | NEWNS),
    call('clone', NEWUSER | 17, 0, 0, 0, 0),
    call('clone3', '"\\0" x 88', 88),
    {
      name: 'setns to each namespace of the first process',
      code: 'enters("/proc/1/ns/$_", "mnt", "user", "pid", "net")',
    },
  ],
  kernel: [
    call('kexec_load', 0, 0, 0, 0),
    call('init_module', '"x"', 1, '""'),
    call('finit_module', 0, '""', 0),
    call('delete_module', '"dummy"', 0),
    call('bpf', 0, '"\\0" x 72', 72),
    call('perf_event_open', '"\\0" x 112', 0, -1, -1, 0),
    // LINUX_REBOOT_CMD_CAD_OFF
    call('reboot', 0xfee1dead, 672274793, 0, 0),
    call('swapon', '"/tmp"', 0),
    call('acct', '0'),
    call('settimeofday', '"\\0" x 16', 0),
    call('clock_settime', 0, '"\\0" x 16'),
    call('syslog', 3, '"\\0" x 64', 64),
    call('userfaultfd', 1),
    call('io_uring_setup', 4, '"\\0" x 120'),
    call('fanotify_init', 0, 0),
    call('sethostname', '"evil"', 4),
    call('open_by_handle_at', -100, '"\\x08\\0\\0\\0\\x01\\0\\0\\0\\x02\\0\\0\\0\\0\\0\\0\\0"', 0),
    // ADDR_NO_RANDOMIZE
    call('personality', 0x40000),
    // AF_ALG and AF_VSOCK
    call('socket', 38, 5, 0),
    call('socket', 40, 1, 0),
  ],
  keyrings: [
    call('add_key', '"user"', '"evil"', '"x"', 1, -3),
    call('request_key', '"user"', '"evil"', '""', -3),
    // KEYCTL_JOIN_SESSION_KEYRING, KEYCTL_GET_KEYRING_ID
    call('keyctl', 1, 0),
    call('keyctl', 0, -3, 0),
    reads('/proc/keys'),
  ],
  processes: [
    { name: 'see a process that is not its own', code: 'strangers()' },
    // PTRACE_SEIZE of what may be the helper's number outside
    call('ptrace', 0x4206, 2, 0, 0),
    call('process_vm_readv', 2, 0, 0, 0, 0, 1),
    call('pidfd_getfd', 0, 0, 0),
    call('kcmp', 1, 2, 0, 0, 0),
    { name: 'write to its first process’s program file', code: 'writes("/proc/1/exe", "x")' },
    write('/proc/self/oom_score_adj', '-1000'),
  ],
  'files of the kernel': [
    write('/proc/sys/kernel/core_pattern', '|/evil'),
    write('/proc/sys/kernel/modprobe', '/evil'),
    write('/proc/sys/kernel/hostname', 'evil'),
    write('/proc/sys/vm/overcommit_memory'),
    write('/proc/sys/fs/binfmt_misc/register', ':evil:M::xx::/evil:'),
    write('/proc/sysrq-trigger', 'h'),
    write('/proc/irq/0/smp_affinity'),
    write('/sys/kernel/uevent_helper', '/evil'),
    write('/sys/kernel/mm/transparent_hugepage/enabled', 'never'),
    write('/sys/fs/cgroup/memory/release_agent', '/evil'),
    write('/sys/fs/cgroup/cgroup.procs', '0'),
    write('/sys/power/state', 'mem'),
    reads('/proc/kcore'),
    reads('/proc/timer_list'),
    reads('/proc/sched_debug'),
    reads('/proc/latency_stats'),
    { name: 'list /sys/firmware', code: 'lists("/sys/firmware")' },
    { name: 'list /proc/scsi', code: 'lists("/proc/scsi")' },
  ],
  'file system': [
    { name: 'leave by chroot and ..', code: 'leavesByChroot()' },
    { name: 'find the host by an open folder', code: 'leavesByFd()' },
    { name: 'reach the host by links of a volume', code: 'reads("/volume/link-to-host")' },
    { name: 'reach the host by .. of a volume', code: 'chdir("/volume") && reads("../../../../../../$marker")' },
  ],
}

/** A program that tries them all and prints of each `held` or `ESCAPED`, for a host where `marker` is a file. */
export function attackProgram(attacks: readonly Attack[], marker: string): string {
  const numbers = filterArchs(process.arch)[0]?.numbers ?? new Map<string, number>()
  const code = (text: string): string => text.replace(/SYS_(\w+)/g, (_, name) => String(numbers.get(name) ?? -1))
  const tries = attacks.map(({ name, code: perl }) => `try(q{${name}}, sub { ${code(perl)} });`)
  return `${code(PRELUDE).replace('MARKER', marker)}\n${tries.join('\n')}\n`
}

/** Each try is a process of its own, for it may change where it is, or be ended by it. */
const PRELUDE = `
use strict; no warnings; $| = 1;
our $marker = "MARKER";
sub try {
  my ($name, $code) = @_;
  my $pid = fork();
  if ($pid == 0) { my $done = $code->(); print(($done ? "ESCAPED" : "held"), " $name: $!\\n"); syscall(SYS_exit_group, 0) }
  waitpid($pid, 0);
}
# Perl gives no constant to a system call, which might write to it.
sub sys { my @words = @_; return syscall($words[0], @words[1 .. $#words]) }
sub writes { my ($path, $text) = @_; sysopen(my $f, $path, 1) or return 0; return syswrite($f, $text) }
sub reads { my ($path) = @_; sysopen(my $f, $path, 0) or return 0; return sysread($f, my $b, 1) }
sub lists { my ($path) = @_; opendir(my $d, $path) or return 0; return scalar(grep { !/^[.]/ } readdir($d)) }
sub enters {
  my ($form, @names) = @_;
  for (@names) { (my $path = $form) =~ s/\\$_/$_/; open(my $f, "<", $path) or next; return 1 if syscall(SYS_setns, fileno($f), 0) != -1 }
  return 0;
}
sub strangers {
  opendir(my $d, "/proc"); my %own = map { $_ => 1 } (1, $$, getppid());
  return scalar(grep { /^[0-9]+$/ && !$own{$_} } readdir($d));
}
sub climbs { chdir("..") for 1 .. 64; return reads(".$marker") }
sub leavesByChroot { mkdir("/tmp/jail"); chroot("/tmp/jail"); return climbs() }
sub leavesByFd { for my $fd (3 .. 64) { chdir("/proc/self/fd/$fd") and climbs() and return 1 } return 0 }
`
