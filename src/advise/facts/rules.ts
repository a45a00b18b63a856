import type { FactRule } from '../lint/facts.ts'
import { sh1002, sh1006 } from './context-files.ts'
import { sh1004 } from './deleted-later.ts'
import { sh1003 } from './install-order.ts'
import { sh1001 } from './missing-command.ts'
import { sh1005 } from './root-port.ts'

/** Our own rules, which look at more than the file. Each has a page in docs/rules. */
export const FACT_RULES: readonly FactRule[] = [sh1001, sh1002, sh1003, sh1004, sh1005, sh1006]
