import { ShaleError } from '../src/error.ts'
import { type Report, remarks, table } from './report.ts'

const START = '<!-- results: written by npm run bench -- --write -->'
const END = '<!-- end of results -->'

/** The page with a new table and what belongs to it between its two marks. */
export function fillPage(page: string, report: Report): string {
  const [from, to] = [page.indexOf(START), page.indexOf(END)]
  if (from < 0 || to < from) throw new ShaleError('BENCH_PAGE_INVALID', `the page lacks ${START} and ${END}`)
  const list = remarks(report).map(line => `- ${line}`)
  return `${page.slice(0, from)}${START}\n\n${table(report)}\n\n${list.join('\n')}\n\n${page.slice(to)}`
}
