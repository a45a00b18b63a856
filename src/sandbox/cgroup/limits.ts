import { randomBytes } from 'node:crypto'
import { cgroupHost } from './host.ts'
import { type CgroupPlan, planCgroups } from './plan.ts'
import { limitsAnything, type Resources } from './resources.ts'

/** The groups for the limits on this machine, under a name of their own; none without limits. */
export function limits(
  resources: Resources | undefined,
): { readonly cgroups: CgroupPlan['folders'] } & Pick<CgroupPlan, 'warnings'> {
  if (!limitsAnything(resources)) return { cgroups: [], warnings: [] }
  const { folders, warnings } = planCgroups(resources, cgroupHost(), randomBytes(16).toString('hex'))
  return { cgroups: folders, warnings }
}
