import { held, of, partly, type Section } from './row.ts'

export const COPY: Section = {
  testDockerfileCopyFromArgs: held('--from does not expand variables'),
  testEmptyDestDir: held('a destination that expands to nothing is the working directory'),
  testPreserveDestDirSlash: held('a trailing slash makes the destination a directory'),
  testCopyLinkDotDestDir: held('--link resolves a dot against the working directory'),
  testCopyLinkEmptyDestDir: held('a destination that expands to nothing is the working directory'),
  testCopyVarSubstitution: held('variables in sources and destinations are expanded'),
  testCopyWildcards: held('wildcards match within a component, and a directory they match gives its contents'),
  testEmptyWildcard: held('a wildcard may match nothing'),
  testCopyOverrideFiles: held('copying the same again changes nothing and replaces files'),
  testCopyRelative: held('relative paths of WORKDIR and COPY stand on the working directory'),
  testCopyUnicodePath: held('names are taken as they are written'),
  testCopySocket: held('a socket in the context becomes an empty file'),
  testContextChangeDirToFile: held('a directory of the context that becomes a file is copied as a file'),
  testDockerfileDirs: held('COPY renames a file, or keeps its name in a directory'),
  testStepNames: held('steps are numbered as BuildKit numbers them'),
  testFrontendEvaluate: held('a missing source is named'),
  'TestDockerfileParsing (COPY url)': held('COPY takes no URL'),
  'TestDockerfileParsing (ADD url)': of('remote'),
  'TestDockerfileParsing (from index)': held(
    'COPY --from takes names in any case and numbers',
    'stage names have no case, in targets too',
    'a mistyped target',
  ),
  'TestDockerfileParsing (blank FROM)': held('FROM needs a name', 'a name that expands to nothing is no name'),
  testLocalCustomSessionID: held(
    'an image takes the place of a stage, whose steps are not run; the main context stays itself',
  ),
}

export const SYMLINKS: Section = {
  testCopyThroughSymlinkContext: held('a link to a directory on the way to a source is followed'),
  testCopyThroughSymlinkMultiStage: held('absolute and relative links of a stage are followed within that stage'),
  testCopyFollowAllSymlinks: held('a link inside a copied directory stays a link, a link as a source is followed'),
  testCopySymlinks: held('links that are named or matched by a wildcard are followed, chains too'),
  testSymlinkDestination: held('COPY writes through a linked destination and stays below the root'),
  testSymlinkedDockerfile: held('the Dockerfile may be a link or be called dockerfile'),
  testDockerfileLowercase: held('the Dockerfile may be a link or be called dockerfile'),
}

const OWNERS = 'COPY --from keeps owners, --chown sets them, existing directories keep theirs'

export const OWNERSHIP: Section = {
  testCopyChown: held('--chown takes names and numbers, alone or as a pair, and expands variables'),
  testCopyChownCreateDest: held('a destination that COPY --chown makes gets that owner, users made by RUN are known'),
  testCopyChownExistingDir: held(OWNERS),
  'testCopyChownExistingDir (chowned, not run)': held(OWNERS),
  testCopyChmod: held('--chmod takes octal modes, for directories that it makes too'),
  testCopyInvalidChmod: held('refused: COPY --chmod=64a a /'),
  'testCopyInvalidChmod (range)': held('refused: COPY --chmod=10000 a /'),
  testChmodNonOctal: held('--chmod takes what chmod(1) takes'),
  testAddURLChmod: partly('remote', '--chmod takes octal modes, for directories that it makes too'),
  testAddInvalidChmod: held('refused: ADD --chmod=64a a /'),
  testDockerfileAddChownExpand: held('--chown takes names and numbers, alone or as a pair, and expands variables'),
  testDockerfileAddChownArchive: held('ADD --chown owns what an archive holds and the directory it goes to'),
}

const UNPACKS = 'ADD unpacks plain, gzip and zstd archives, COPY and --unpack=false keep them'

export const ADD: Section = {
  testDockerfileAddArchive: held(UNPACKS),
  'testDockerfileAddArchive (gz)': held(UNPACKS),
  'testDockerfileAddArchive (--unpack=false)': held(UNPACKS),
  'testDockerfileAddArchive (COPY)': held(UNPACKS),
  'testDockerfileAddArchive (URL)': of('remote'),
  'testDockerfileAddArchive (URL --unpack=true)': of('remote'),
  'testDockerfileAddArchive (URL rename)': of('remote'),
  testDockerfileAddArchiveWithImpliedParentDir: held('parents that an archive does not name are made'),
  testDockerfileAddArchiveThroughAbsoluteSymlink: held(
    'unpacking follows an absolute link of the image inside it, hard links stay',
  ),
  testDockerfileAddArchiveWildcard: held('every archive that a wildcard matches is unpacked'),
  testDockerfileADDFromURL: of('remote'),
  'testDockerfileADDFromURL (no name)': of('remote'),
  testAddChecksum: of('remote'),
  'testAddChecksum/DigestFromEnv': of('remote'),
  'testAddChecksum/DigestMismatch': of('remote'),
  'testAddChecksum/md5': of('remote'),
  'testAddChecksum/unknown algo': of('remote'),
  'testAddChecksum/no algo': of('remote'),
  'testAddChecksum/NonHTTPSource': held('--checksum is for remote sources'),
  testAddGit: of('remote'),
  'testAddGit (no git dir)': of('remote'),
  'testAddGit (commit ref)': of('remote'),
  'testAddGit (wrong checksum)': of('remote'),
  'testAddGit (garbage checksum)': of('remote'),
  testAddGitChecksumCache: of('remote'),
  testGitQueryString: of('remote'),
}

export const EXCLUDE: Section = {
  'testExcludedFilesOnCopy 1': held(
    'what is left of COPY --exclude=*/*.png --exclude=*/*.jpeg . /o',
    'excluded links are left out, others stay links',
  ),
  'testExcludedFilesOnCopy 2': held('what is left of COPY --exclude=*/*.pdf --exclude=*/*.txt . /o'),
  'testExcludedFilesOnCopy 3': held('what is left of ADD --exclude=*.mp3 p3/ /o/'),
  'testExcludedFilesOnCopy 4': held(
    'what is left of COPY --exclude=*.mp3 --exclude=*.jpeg --exclude=*.png --exclude=*.pdf --exclude=*.txt p* /o/',
  ),
  'testExcludedFilesOnCopy 5': held(
    'what is left of ADD --exclude=*.mp* --exclude=*.jpeg --exclude=*.png --exclude=*.pdf p* /o',
  ),
  'testExcludedFilesOnCopy 6': held('what is left of ADD --exclude=* p* /o'),
  'testExcludedFilesOnCopy (--from)': partly('remote', 'what is left of …'),
  TestDockerfileCopyExcludePatterns: held('what is left of COPY --exclude=p1/*.txt --exclude=p4/*.txt . /o/'),
}

export const PARENTS: Section = {
  testCopyParents: held('--parents keeps the path, below the working directory too, with wildcards'),
  'testCopyRelativeParents/middle': held('--parents /t/k/l/./m/n'),
  'testCopyRelativeParents/end': held('--parents /t/k/l/m/n/.'),
  'testCopyRelativeParents/start': held('--parents ./t/k/l/m/n'),
  'testCopyRelativeParents/double': held('--parents /t/k/./l/./m'),
  'testCopyRelativeParents/wildcard': held('--parents /t/k/./*/m'),
  'testCopyRelativeParents/doublewildcard': held('--parents /t/k/l*/./m/**/o'),
  'testCopyRelativeParents/doubleinputs': held('--parents /t/k/l/m*/./n/**/p3 /t/k/l*/./m/**/p2'),
  'testCopyParentsMissingDirectory/nonexistentfile': held('--parents of a file that is not there'),
  'testCopyParentsMissingDirectory/wildcard-nonexistent': held('--parents /t/k/l3*/m'),
  'testCopyParentsMissingDirectory/wildcard-afterpivot': held('--parents /t/k/l/./m3*'),
}

export const CONTEXTS: Section = {
  testDockerignore: held('.dockerignore leaves out what it names, and ! brings back'),
  testDockerignoreInvalid: held('a lonely ! is refused'),
  testDockerignoreOverride: held('<Dockerfile>.dockerignore takes the place of .dockerignore'),
  testTarContext: held('a context is an archive: …, from the standard input, a file, an address'),
  testTarContextExternalDockerfile: of('contexts'),
  testDockerfileFromGit: held('git: branch, default branch, tag, commit, folder'),
  testDockerfileFromHTTP: held(
    'a context is an archive: …, from the standard input, a file, an address',
    'a Dockerfile of an archive may have another name, and a missing one is told',
  ),
  testHTTPDockerfile: held('an address or the standard input may be the Dockerfile itself'),
}
