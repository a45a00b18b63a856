import { type Platform, parsePlatform } from '../oci/platform.ts'
import type { Context } from './command.ts'
import { text } from './flag.ts'

export const platformFlag = text('Platform of the image (DOCKER_DEFAULT_PLATFORM)', { placeholder: 'os/arch' })

/** The platform that `--platform` or DOCKER_DEFAULT_PLATFORM asks for; undefined means this machine's. */
export function chosenPlatform(flag: string | undefined, context: Context): Platform | undefined {
  const name = flag || context.env.DOCKER_DEFAULT_PLATFORM
  return name ? parsePlatform(name) : undefined
}
