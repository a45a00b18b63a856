import { edit, type Mutation } from './mutation-row.ts'

/** Steps and stages that come, go or change, and lines that make no files. */
export const STEP_ROWS: readonly Mutation[] = [
  {
    change: 'a step more above',
    mutate: edit('COPY src', 'RUN echo new > /new\nCOPY src'),
    runs: [
      'RUN echo new > /new <- first-time: new step',
      'RUN cat src/* > all || true <- parent-changed: files below it changed: RUN echo new > /new',
      'RUN cat /tool /late > /both <- parent-changed: files below it changed: RUN echo new > /new',
    ],
  },
  {
    change: 'a step less above',
    mutate: edit('RUN cat src/* > all || true\n', ''),
    runs: [
      'RUN cat /tool /late > /both <- parent-changed: files below it changed: RUN cat src/* > all || true is gone',
    ],
  },
  {
    change: 'the order of two steps above',
    dockerfile: 'FROM base\nCOPY src /src\nCOPY late /late\nRUN ls / > /list',
    mutate: edit('COPY src /src\nCOPY late /late', 'COPY late /late\nCOPY src /src'),
    runs: ['RUN ls / > /list <- parent-changed: files below it changed: COPY src /src has another place'],
  },
  {
    change: 'what another stage makes',
    mutate: edit('echo tool', 'echo hammer'),
    runs: [
      'RUN echo hammer > /tool <- instruction-changed: command changed from echo tool > /tool to echo hammer > /tool',
      'COPY --from=tools /tool /tool <- context-changed: tool changed (content)',
      'RUN cat /tool /late > /both <- parent-changed: files below it changed: COPY --from=tools /tool /tool',
    ],
  },
  {
    change: 'how another stage makes the same',
    mutate: edit('RUN echo tool > /tool', 'RUN printf "tool\\n" > /tool'),
    runs: [
      'RUN printf "tool\\n" > /tool <- instruction-changed: command changed from echo tool > /tool to printf "tool\\n" > /tool',
    ],
  },
  {
    change: 'a stage that nothing reads',
    mutate: edit('FROM base AS web', 'FROM base AS idle\nRUN exit 1\nFROM base AS web'),
    runs: [],
  },
  {
    change: 'the stage that a stage is built on',
    dockerfile: 'FROM base AS below\nRUN echo one > /f\nFROM below AS above\nCOPY late /late\nRUN cat /f /late > /g',
    mutate: edit('echo one', 'echo two'),
    runs: [
      'RUN cat /f /late > /g <- parent-changed: files below it changed: stage below',
      'RUN echo two > /f <- instruction-changed: command changed from echo one > /f to echo two > /f',
    ],
  },
  { change: 'a comment', mutate: edit('COPY src', '# sources\nCOPY src'), runs: [] },
  { change: 'white space and case', mutate: edit('COPY src ./src', 'copy   src   ./src'), runs: [] },
  { change: 'a line continuation', mutate: edit('COPY late /late', 'COPY \\\n  late /late'), runs: [] },
  { change: 'a label', mutate: edit('WORKDIR', 'LABEL a=b\nWORKDIR'), runs: [] },
  {
    change: 'everything else that only the configuration holds',
    mutate: edit(
      'WORKDIR',
      'EXPOSE 80\nVOLUME /data\nSTOPSIGNAL INT\nHEALTHCHECK NONE\nENTRYPOINT ["x"]\nCMD ["y"]\nONBUILD RUN z\nWORKDIR',
    ),
    runs: [],
  },
]
