import { edit, type Mutation } from './mutation-row.ts'

/** Changes of RUN and of what it sees: configuration, arguments, steps above. */
export const RUN_ROWS: readonly Mutation[] = [
  {
    change: 'a command',
    mutate: edit('RUN cat /tool /late', 'RUN cat /late /tool'),
    runs: [
      'RUN cat /late /tool > /both <- instruction-changed: command changed from cat /tool /late > /both to cat /late /tool > /both',
    ],
  },
  {
    change: 'shell form to exec form',
    mutate: edit('RUN echo tool > /tool', 'RUN ["cp", "/etc/passwd", "/tool"]'),
    runs: [
      'RUN ["cp", "/etc/passwd", "/tool"] <- instruction-changed: command changed from ["/bin/sh","-c","echo tool > /tool"] to ["cp","/etc/passwd","/tool"]',
      'COPY --from=tools /tool /tool <- context-changed: tool changed (content)',
      'RUN cat /tool /late > /both <- parent-changed: files below it changed: COPY --from=tools /tool /tool',
    ],
  },
  {
    change: 'the end of a long command',
    dockerfile: `FROM base\nRUN true ${'and so on '.repeat(30)}; echo one > /f`,
    mutate: edit('echo one', 'echo two'),
    runs: [
      'RUN true and so on and so on and so on and so on and so on and so on and so on and so on and so on and so on and so on and so on and so on and so on and so on and so on and so on and so on and so on and so on and so on and so on and so on and so on and so on and so on and so on and so on and so on and so on ; echo two > /f <- instruction-changed: command changed from ...on and so on and so on ; echo one > /f to ...on and so on and so on ; echo two > /f',
    ],
  },
  {
    change: 'a word of an exec form',
    dockerfile: 'FROM base\nRUN ["touch", "/one"]',
    mutate: edit('"/one"', '"/two"'),
    runs: ['RUN ["touch", "/two"] <- instruction-changed: command changed from /one to /two'],
  },
  {
    change: 'the body of a here-document',
    dockerfile: 'FROM base\nRUN <<EOF\necho one > /f\necho two > /g\nEOF',
    mutate: edit('echo two', 'echo 2'),
    runs: [
      'RUN <<EOF <- instruction-changed: command changed from echo one > /f\\necho two > /g\\n to echo one > /f\\necho 2 > /g\\n',
    ],
  },
  {
    change: 'a script with an interpreter of its own',
    dockerfile: 'FROM base\nRUN <<EOF\n#!/bin/sh\necho one > /f\nEOF',
    mutate: edit('echo one', 'echo two'),
    runs: [
      'RUN <<EOF <- instruction-changed: command changed from #!/bin/sh\\necho one > /f\\n to #!/bin/sh\\necho two > /f\\n',
    ],
  },
  {
    change: 'the shell',
    mutate: edit('RUN cat /tool', 'SHELL ["/bin/ash", "-c"]\nRUN cat /tool'),
    runs: ['RUN cat /tool /late > /both <- argument-changed: shell changed from /bin/sh -c to /bin/ash -c'],
  },
  {
    change: 'network of one RUN',
    mutate: edit('RUN cat /tool', 'RUN --network=none cat /tool'),
    runs: ['RUN --network=none cat /tool /late > /both <- argument-changed: network changed from host to none'],
  },
  {
    change: 'a variable',
    mutate: edit('MODE=fast', 'MODE=slow'),
    runs: [
      'RUN cat src/* > all || true <- argument-changed: env MODE changed from fast to slow',
      'RUN cat /tool /late > /both <- argument-changed: env MODE changed from fast to slow',
    ],
  },
  {
    change: 'a variable more',
    mutate: edit('MODE=fast', 'MODE=fast MORE=1'),
    runs: [
      'RUN cat src/* > all || true <- argument-changed: env MORE is new: 1',
      'RUN cat /tool /late > /both <- argument-changed: env MORE is new: 1',
    ],
  },
  {
    change: 'a variable less',
    mutate: edit('ENV MODE=fast\n', ''),
    runs: [
      'RUN cat src/* > all || true <- argument-changed: env MODE is gone, was fast',
      'RUN cat /tool /late > /both <- argument-changed: env MODE is gone, was fast',
    ],
  },
  {
    change: 'a variable without a value',
    mutate: edit('MODE=fast', 'MODE='),
    runs: [
      'RUN cat src/* > all || true <- argument-changed: env MODE changed from fast to ""',
      'RUN cat /tool /late > /both <- argument-changed: env MODE changed from fast to ""',
    ],
  },
  {
    change: 'the order of two variables',
    dockerfile: 'FROM base\nENV A=1 B=2\nRUN env > /env',
    mutate: edit('A=1 B=2', 'B=2 A=1'),
    runs: ['RUN env > /env <- argument-changed: the order of its variables changed'],
  },
  {
    change: 'the user',
    mutate: edit('RUN cat /tool', 'USER 0\nRUN cat /tool'),
    runs: ['RUN cat /tool /late > /both <- argument-changed: user changed from "" to 0'],
  },
  {
    change: 'the user that makes a folder',
    mutate: edit('WORKDIR /app', 'USER 5\nWORKDIR /app\nUSER 0'),
    runs: [
      'WORKDIR /app <- context-changed: /app changed (owner 0:0 became 5:0)',
      'COPY src ./src <- context-changed: /app changed (owner 0:0 became 5:0)',
      'RUN cat src/* > all || true <- argument-changed: user changed from "" to 0',
      'RUN cat /tool /late > /both <- argument-changed: user changed from "" to 0',
    ],
  },
  {
    change: 'the working directory',
    mutate: edit('COPY --from', 'WORKDIR /\nCOPY --from'),
    runs: ['RUN cat /tool /late > /both <- argument-changed: workdir changed from /app to /'],
  },
  {
    change: 'default of an argument',
    mutate: edit('VERSION=1', 'VERSION=2'),
    runs: [
      'RUN cat src/* > all || true <- argument-changed: arg VERSION changed from 1 to 2',
      'RUN cat /tool /late > /both <- argument-changed: arg VERSION changed from 1 to 2',
    ],
  },
  {
    change: 'an argument more',
    mutate: edit('ARG VERSION=1', 'ARG VERSION=1\nARG OTHER=x'),
    runs: [
      'RUN cat src/* > all || true <- argument-changed: arg OTHER is new: x',
      'RUN cat /tool /late > /both <- argument-changed: arg OTHER is new: x',
    ],
  },
  { change: 'an argument without a value', mutate: edit('ARG VERSION=1', 'ARG VERSION=1\nARG NOTHING'), runs: [] },
  {
    change: 'an argument declared after the last RUN',
    mutate: edit('/late > /both', '/late > /both\nARG OTHER=x'),
    runs: [],
  },
  {
    change: 'an argument declared before FROM',
    mutate: edit('FROM base AS tools', 'ARG GLOBAL=1\nFROM base AS tools'),
    runs: [],
  },
  {
    change: 'an argument in another stage',
    mutate: edit('FROM base AS web', 'ARG ONLY_TOOLS=1\nFROM base AS web'),
    runs: [],
  },
  {
    change: 'a platform argument that is declared',
    mutate: edit('ARG VERSION=1', 'ARG VERSION=1 TARGETOS'),
    runs: [
      'RUN cat src/* > all || true <- argument-changed: arg TARGETOS is new: linux',
      'RUN cat /tool /late > /both <- argument-changed: arg TARGETOS is new: linux',
    ],
  },
]
