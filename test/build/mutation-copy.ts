import { tarOf } from './archives.ts'
import { edit, extendBase, type Mutation } from './mutation-row.ts'

const ADD = {
  dockerfile: 'FROM base\nADD files.tar files/\nRUN find / -name inside > /list',
  files: { 'files.tar': tarOf([{ path: 'inside', content: 'x' }]) },
}

/** Flags and words of COPY, ADD and WORKDIR. */
export const COPY_ROWS: readonly Mutation[] = [
  {
    change: 'COPY --chown',
    mutate: edit('COPY late', 'COPY --chown=5:6 late'),
    runs: [
      'COPY --chown=5:6 late /late <- instruction-changed: late changed (owner 0:0 became 5:6); instruction was: COPY late /late',
      'RUN cat /tool /late > /both <- parent-changed: files below it changed: COPY --chown=5:6 late /late',
    ],
  },
  { change: 'COPY --chown with the owner that it has', mutate: edit('COPY late', 'COPY --chown=0:0 late'), runs: [] },
  {
    change: 'COPY --chmod',
    mutate: edit('COPY late', 'COPY --chmod=0600 late'),
    runs: [
      'COPY --chmod=0600 late /late <- instruction-changed: late changed (mode 0644 became 0600); instruction was: COPY late /late',
      'RUN cat /tool /late > /both <- parent-changed: files below it changed: COPY --chmod=0600 late /late',
    ],
  },
  {
    change: 'COPY --exclude',
    mutate: edit('COPY src', 'COPY --exclude=a src'),
    runs: [
      'COPY --exclude=a src ./src <- instruction-changed: src/a removed; instruction was: COPY src ./src',
      'RUN cat src/* > all || true <- parent-changed: files below it changed: COPY --exclude=a src ./src',
      'RUN cat /tool /late > /both <- parent-changed: files below it changed: RUN cat src/* > all || true',
    ],
  },
  { change: 'COPY --exclude of what is not there', mutate: edit('COPY src', 'COPY --exclude=zz src'), runs: [] },
  {
    change: 'COPY --parents',
    mutate: edit('COPY src ./src', 'COPY --parents src/a ./src'),
    runs: [
      'COPY --parents src/a ./src <- instruction-changed: /app/src/a removed and 5 more; instruction was: COPY src ./src',
      'RUN cat src/* > all || true <- parent-changed: files below it changed: COPY --parents src/a ./src',
      'RUN cat /tool /late > /both <- parent-changed: files below it changed: RUN cat src/* > all || true',
    ],
  },
  { change: 'COPY --link', mutate: edit('COPY late', 'COPY --link late'), runs: [] },
  {
    change: 'COPY --link into a folder of the image',
    dockerfile: 'FROM base\nCOPY late /tmp/late',
    mutate: edit('COPY late', 'COPY --link late'),
    runs: [
      'COPY --link late /tmp/late <- instruction-changed: /tmp changed (mode 1777 became 0755); instruction was: COPY late /tmp/late',
    ],
  },
  {
    change: 'destination of COPY',
    dockerfile: 'FROM base\nCOPY late /late',
    mutate: edit('late /late', 'late /later'),
    runs: ['COPY late /later <- instruction-changed: late removed, late added; instruction was: COPY late /late'],
  },
  {
    change: 'source of COPY',
    mutate: edit('COPY late /late', 'COPY outside /late'),
    runs: [
      'COPY outside /late <- instruction-changed: outside changed (content); instruction was: COPY late /late',
      'RUN cat /tool /late > /both <- parent-changed: files below it changed: COPY outside /late',
    ],
  },
  {
    change: 'file that COPY takes from a stage',
    mutate: edit('--from=tools /tool', '--from=tools /etc/group'),
    runs: [
      'COPY --from=tools /etc/group /tool <- instruction-changed: etc/group changed (content); instruction was: COPY --from=tools /tool /tool',
      'RUN cat /tool /late > /both <- parent-changed: files below it changed: COPY --from=tools /etc/group /tool',
    ],
  },
  {
    change: 'stage that COPY reads',
    mutate: edit('COPY --from=tools /tool', 'COPY --from=base /etc/hostname'),
    runs: [
      'COPY --from=base /etc/hostname /tool <- instruction-changed: etc/hostname changed (content); instruction was: COPY --from=tools /tool /tool',
      'RUN cat /tool /late > /both <- parent-changed: files below it changed: COPY --from=base /etc/hostname /tool',
    ],
  },
  {
    change: 'ADD for COPY',
    mutate: edit('COPY late', 'ADD late'),
    runs: ['ADD late /late <- instruction-changed: instruction was: COPY late /late'],
  },
  {
    change: 'body of a here-document of COPY',
    dockerfile: 'FROM base\nCOPY <<EOF /f\none\nEOF',
    mutate: edit('one\n', 'two\n'),
    runs: ['COPY <<EOF /f <- context-changed: EOF changed (content)'],
  },
  {
    change: 'WORKDIR elsewhere',
    mutate: edit('WORKDIR /app', 'WORKDIR /srv/app'),
    runs: [
      'WORKDIR /srv/app <- instruction-changed: /app removed, /srv/app added; instruction was: WORKDIR /app',
      'COPY src ./src <- context-changed: /app/src/a removed and 9 more',
      'RUN cat src/* > all || true <- argument-changed: workdir changed from /app to /srv/app',
      'RUN cat /tool /late > /both <- argument-changed: workdir changed from /app to /srv/app',
    ],
  },
  {
    change: 'WORKDIR above a relative COPY',
    dockerfile: 'FROM base\nWORKDIR /tmp\nCOPY late .',
    mutate: edit('WORKDIR /tmp', 'WORKDIR /home'),
    runs: ['COPY late . <- context-changed: late added, /tmp/late removed'],
  },
  {
    change: 'a link in the base where COPY writes',
    dockerfile: 'FROM base\nCOPY late /target/',
    mutate: extendBase('RUN ln -s /home /target'),
    runs: ['COPY late /target/ <- context-changed: late added, /target/late removed'],
  },
  {
    ...ADD,
    change: 'destination of ADD',
    mutate: edit(' files/', ' other/'),
    runs: [
      'ADD files.tar other/ <- instruction-changed: instruction was: ADD files.tar files/',
      'RUN find / -name inside > /list <- parent-changed: files below it changed: ADD files.tar other/',
    ],
  },
  {
    ...ADD,
    change: 'ADD --chown of an archive',
    mutate: edit('ADD', 'ADD --chown=5'),
    runs: [
      'ADD --chown=5 files.tar files/ <- instruction-changed: instruction was: ADD files.tar files/',
      'RUN find / -name inside > /list <- parent-changed: files below it changed: ADD --chown=5 files.tar files/',
    ],
  },
  {
    ...ADD,
    change: 'ADD --unpack=false',
    mutate: edit('ADD', 'ADD --unpack=false'),
    runs: [
      'ADD --unpack=false files.tar files/ <- instruction-changed: files.tar added, inside removed; instruction was: ADD files.tar files/',
      'RUN find / -name inside > /list <- parent-changed: files below it changed: ADD --unpack=false files.tar files/',
    ],
  },
  {
    ...ADD,
    change: 'WORKDIR above ADD',
    mutate: edit('ADD', 'WORKDIR /tmp\nADD'),
    runs: [
      'ADD files.tar files/ <- argument-changed: workdir changed from / to /tmp',
      'RUN find / -name inside > /list <- argument-changed: workdir changed from / to /tmp',
    ],
  },
  {
    ...ADD,
    change: 'a file of the base below ADD',
    mutate: extendBase('COPY <<EOF /more\nmore\nEOF'),
    runs: [
      'ADD files.tar files/ <- base-changed: the base image changed: base',
      'RUN find / -name inside > /list <- base-changed: the base image changed: base',
    ],
  },
]
