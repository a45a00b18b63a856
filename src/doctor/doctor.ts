import type { Check, DoctorRequest } from './check.ts'
import { checkCgroups, checkNamespaces, checkOverlay, checkSeccomp } from './kernel.ts'
import { checkDns, checkLogins } from './network.ts'
import { checkRuntimes, checkTools } from './programs.ts'
import { checkStore } from './store.ts'
import { checkUsers } from './users.ts'

/** Looks at everything that Shale may need of this machine; changes nothing but that the store is there afterwards. */
export async function examine(request: DoctorRequest): Promise<readonly Check[]> {
  const store = checkStore(request)
  const rest = await Promise.all([
    checkTools(request),
    checkUsers(request),
    checkMounts(request),
    checkSeccomp(),
    checkCgroups(),
    checkRuntimes(request),
    checkDns(request),
    checkLogins(request),
  ])
  return [...store, ...rest.flat()]
}

/** Without namespaces nothing can be mounted, whatever the file system. */
async function checkMounts(request: DoctorRequest): Promise<readonly Check[]> {
  const namespaces = await checkNamespaces(request)
  if (namespaces.some(({ status }) => status !== 'ok')) return namespaces
  return [...namespaces, ...(await checkOverlay(request))]
}
