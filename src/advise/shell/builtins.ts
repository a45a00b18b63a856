/** What a shell does by itself. */
export const BUILTINS: ReadonlySet<string> = new Set([
  ...[
    '',
    '.',
    ':',
    '[',
    '[[',
    'alias',
    'bg',
    'break',
    'builtin',
    'cd',
    'command',
    'continue',
    'declare',
    'echo',
    'eval',
  ],
  ...['exec', 'exit', 'export', 'false', 'fg', 'getopts', 'hash', 'jobs', 'kill', 'let', 'local', 'mapfile', 'popd'],
  ...['printf', 'pushd', 'pwd', 'read', 'readarray', 'readonly', 'return', 'set', 'shift', 'shopt', 'source', 'test'],
  ...['time', 'times', 'trap', 'true', 'type', 'typeset', 'ulimit', 'umask', 'unalias', 'unset', 'wait'],
])
