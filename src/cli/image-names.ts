/** True when a name says which tag or digest it means. */
export function isTagged(name: string): boolean {
  return name.includes('@') || name.lastIndexOf(':') > name.lastIndexOf('/')
}
