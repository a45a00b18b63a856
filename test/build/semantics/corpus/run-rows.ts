import { held, of, partly, type Section } from './row.ts'

const RW_KEY = 'a bind mount is keyed on the files that it shows, of whatever stage'
const EXPANDED = 'variables in options of a mount are expanded: ENV, ARG, those of a stage above, and global ones'
const AGENT = 'an ssh agent is a socket with owner and mode, and its connections end with those that use them'

export const MOUNTS: Section = {
  testMountContext: held('a mount is a bind mount of the context, unless it says otherwise'),
  testMountTmpfs: held('what is in a tmpfs does not stay'),
  testMountTmpfsSize: held('a tmpfs has the size that is asked for'),
  testMountInvalid: held('a mistyped flag of RUN'),
  'testMountInvalid (key)': held('a mistyped key of --mount'),
  'testMountInvalid (type)': held('a mistyped type of --mount'),
  testMountRWCache: held(RW_KEY, 'what is written to a bind mount with rw is gone, and the next step does not see it'),
  testMountDuplicate: held(
    'one bind mount may lie within another',
    'a changed file of a mounted context runs the step, which names it',
  ),
  testCacheMountDefaultID: held('a cache is known by its target unless it has an id'),
  testCacheMountUser: held('the root of a cache has owner and mode, and with others it is another cache'),
  testCacheMountParallel: held('parallel stages use nested caches at once'),
  testCacheMountSourceEscape: held('a link in a cache does not lead out of it'),
  testCacheMountModeNoCache: held('without the cache, caches begin anew'),
  testMountEnvVar: held(EXPANDED),
  testMountArg: held(EXPANDED),
  testMountEnvAcrossStages: held(EXPANDED),
  testMountMetaArg: held(EXPANDED),
  testMountFromError: held('--mount does not expand variables in from'),
  testSecretFileParams: held('a secret is a file in memory with owner and mode, and leaves nothing behind'),
  testSecretRequiredWithoutValue: held('a required secret that is missing'),
  testSecretAsEnviron: held('a secret as a variable beats ENV and makes no file'),
  testSecretAsEnvironWithFileMount: held('a secret may be both a variable and a file'),
  testSSHSocketParams: held(AGENT),
  testSSHFileDescriptorsClosed: held(AGENT),
}

const NETWORK = 'RUN reaches the host’s network, by default and with --network=host, but not with --network=none'

const ALL = 'with --allow a step has all capabilities that there are here, and only that step'

export const RUN: Section = {
  testRunNoNetwork: held('--network=none leaves the loopback alone', NETWORK),
  // Shale has no bridge: the default network is the host's.
  testRunDefaultNetwork: held(NETWORK),
  testRunHostNetwork: partly('grants', NETWORK),
  testRunGlobalNetwork: held(NETWORK),
  testRunSecurityInsecure: held('--security=insecure needs a grant', ALL),
  testRunSecuritySandbox: held('the default set of capabilities', ALL),
  testShmSize: of('limits'),
  testUlimit: of('limits'),
  testDockerfileCheckHostname: of('limits'),
}

export const CACHE: Section = {
  testCopyWildcardCache: held('only what a wildcard matches counts'),
  testWildcardRenameCache: held('a renamed file with the same content is another input'),
  testNoCache: held('no-cache runs everything, a filter only the stages that it names'),
  testReproducibleIDs: held('the same build under another name is the same image'),
  testCacheImportExport: of('transfer'),
  testExportCacheLoop: partly('transfer', 'stages that copy from each other’s kin build again and again'),
  testCacheMultiPlatformImportExport: of('transfer'),
  'testMountRWCache (cache)': held(RW_KEY),
}

export const CONFIG: Section = {
  testCmdShell: held('ENTRYPOINT drops an inherited CMD, SHELL shapes the shell form'),
  testDefaultShellAndPath: partly('platforms', 'the default shell and search path'),
  testIgnoreEntrypoint: held('RUN takes no notice of ENTRYPOINT'),
  testInvalidJSONCommands: held('broken JSON of RUN is shell form, and fails in the shell'),
  'testInvalidJSONCommands (entrypoint)': held('broken JSON of ENTRYPOINT is shell form'),
  testDockerfileInvalidCommand: held('a command that is not there'),
  testDockerfileInvalidInstruction: held('an instruction that is none'),
  testLabels: held('labels of the Dockerfile and of the options'),
  testPullScratch: held('an image without layers can be a base'),
  testDockerfileScratchConfig: held('an image without layers'),
  testExportedHistory: held('history tells the final stage’s instructions, and which made layers'),
  testExportedHistoryFlattenArgs: held('history of RUN has the last value of each ARG, in order of first declaration'),
  TestDispatchHealthcheckHistory: held('HEALTHCHECK in config and history'),
  testOCILayoutMultiname: held('an OCI archive, a layout and a docker-archive come back as the image that was built'),
  testMultiNilRefsOCIExporter: held('FROM scratch alone exports fine for two platforms (testMultiNilRefsOCIExporter)'),
  testTarExporterBasic: held('the files of the last stage: as a folder and as a tar, and nothing in the store'),
}

const GIVEN = 'the epoch as build argument, as default of a global ARG, and both'

export const EPOCH: Section = {
  testSourceDateEpochWithoutExporter: held('the epoch as option sets every time'),
  testSourceDateEpochDockerfileDefault: held(GIVEN),
  testSourceDateEpochDockerfileDefaultOverride: held(GIVEN),
  testSourceDateEpochDockerfileDefaultReset: partly('outputs', 'an empty build argument takes the default back'),
  testSourceDateEpochDockerfileDefaultInvalid: held('an epoch that is no number'),
  testSourceDateEpochContextGit: held('git: the commit’s time is the epoch when that is asked for'),
  testSourceDateEpochContextHTTPLastModified: held(
    'an archive’s epoch is when its server says that it changed, else that of its newest file',
  ),
  testSourceDateEpochContextLocalUnset: held('a folder has no time to give as the epoch'),
  testSourceDateEpochStageHTTPArchive: of('remote'),
  testSourceDateEpochStageInvalid: held('an epoch from a stage that copies', 'an epoch from a stage that has a base'),
}

export const ERRORS: Section = {
  'testErrorsSourceMap/invalidenv': held('ENV without anything'),
  'testErrorsSourceMap/invalidsyntax': held('a syntax that is not Docker’s'),
  'testErrorsSourceMap/invalidrun': held('a RUN without a shell'),
  'testErrorsSourceMap/invalidcopy': held('a source that is not there'),
  'testErrorsSourceMap/invalidflag': held('an unknown flag'),
  'testErrorsSourceMap/invalidcopyfrom': held('a stage that is not there'),
  'testErrorsSourceMap/invalidmultiline': held('an instruction of two lines'),
}
