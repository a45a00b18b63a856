import { type Platform, parsePlatform } from '../oci/platform.ts'
import type { Context } from './command.ts'
import { text } from './flag.ts'

export const platformFlag = text('Platform of the image (DOCKER_DEFAULT_PLATFORM)', { placeholder: 'os/arch' })

/** The platforms that `--platform a,b` or DOCKER_DEFAULT_PLATFORM ask for; undefined means this machine's. */
export function chosenPlatforms(flag: string | undefined, context: Context): readonly Platform[] | undefined {
  const names = flag || context.env.DOCKER_DEFAULT_PLATFORM
  return names ? names.split(',').map(name => parsePlatform(name.trim())) : undefined
}

/** The platform that `--platform` or DOCKER_DEFAULT_PLATFORM asks for; undefined means this machine's. */
export function chosenPlatform(flag: string | undefined, context: Context): Platform | undefined {
  const name = flag || context.env.DOCKER_DEFAULT_PLATFORM
  return name ? parsePlatform(name) : undefined
}
