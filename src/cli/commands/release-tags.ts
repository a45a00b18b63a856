import { familiarName, familiarReference, parseReference } from '../../oci/reference.ts'
import { command } from '../command.ts'
import { boolean, list, text } from '../flag.ts'
import { formatRows, type Listing } from '../format/format.ts'
import { releasePlan } from '../release-plan.ts'

const LISTING: Listing = {
  type: '*formatter.releaseTagContext',
  headings: {
    Branch: 'BRANCH',
    Build: 'BUILD',
    Name: 'NAME',
    Repository: 'REPOSITORY',
    Revision: 'REVISION',
    Tag: 'TAG',
    Version: 'VERSION',
  },
}

export default command({
  usage: '[OPTIONS] [DIR]',
  about:
    'Print the names that a build of this folder is to have, from its git commit, the version of its package and the ' +
    'section `release` of its shale.yaml, if there is one. `build --release` gives them. Nothing is changed.',
  examples: [
    ['release tags', 'of this folder'],
    ['release tags --image registry.example.com/team/app .', 'in this repository'],
    ["release tags --format '{{.Tag}}'", 'only the tags'],
  ],
  args: { min: 0, max: 1 },
  flags: {
    allowDirty: boolean('Take a work tree that differs from its commit, and say so in the tags'),
    format: text("Go template, 'table TEMPLATE', or json"),
    image: list('Repository to tag in, may be repeated (default: that of shale.yaml, else the package’s name)', {
      placeholder: 'repository',
    }),
  },
  async run(context, { args, flags }) {
    const { image: images, allowDirty } = flags
    const release = await releasePlan(context, { folder: args[0] ?? '.', images, allowDirty })
    const rows = release.names.map(parseReference).map(reference => ({
      Branch: release.branch ?? '',
      Build: release.build ?? '',
      Name: familiarReference(reference),
      Repository: familiarName(reference),
      Revision: release.revision ?? '',
      Tag: reference.tag ?? '',
      Version: release.version ?? '',
    }))
    const usual = 'table {{.Repository}}\t{{.Tag}}\t{{.Version}}\t{{.Build}}\t{{.Revision}}'
    const format = flags.format === 'table' ? usual : (flags.format ?? '{{.Name}}')
    context.out.write(formatRows(format, LISTING, rows))
    return 0
  },
})
