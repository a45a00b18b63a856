/** Commands of docker that Shale lacks. Both kinds are named as such, so that nobody looks for a typing mistake. */
export const NOT_YET: ReadonlySet<string> = new Set([
  ...'cp events manifest network pause'.split(' '),
  ...'search unpause'.split(' '),
  ...'buildx imagetools,buildx bake,buildx inspect,buildx ls,system events'.split(','),
])

/** What belongs to a daemon, a cluster or a product. */
export const NOT_OURS: ReadonlySet<string> = new Set([
  ...'ai app checkpoint cloud compose config context debug desktop extension init mcp model node offload plugin'.split(
    ' ',
  ),
  ...'scout secret service stack swarm trust'.split(' '),
  ...'buildx create,buildx rm,buildx stop,buildx use,buildx dial-stdio,system dial-stdio'.split(','),
])
