import { held, of, partly, type Section } from './row.ts'

export const MOUNTS: Section = {
  testMountContext: of('mounts'),
  testMountTmpfs: of('mounts'),
  testMountTmpfsSize: of('mounts'),
  testMountInvalid: held('a mistyped flag of RUN'),
  'testMountInvalid (key)': held('a mistyped key of --mount'),
  'testMountInvalid (type)': held('a mistyped type of --mount'),
  testMountRWCache: of('mounts'),
  testMountDuplicate: of('mounts'),
  testCacheMountDefaultID: of('mounts'),
  testCacheMountUser: of('mounts'),
  testCacheMountParallel: of('mounts'),
  testCacheMountSourceEscape: of('mounts'),
  testCacheMountModeNoCache: of('mounts'),
  testMountEnvVar: of('mounts'),
  testMountArg: of('mounts'),
  testMountEnvAcrossStages: of('mounts'),
  testMountMetaArg: of('mounts'),
  testMountFromError: held('--mount does not expand variables in from'),
  testSecretFileParams: of('secrets'),
  testSecretRequiredWithoutValue: of('secrets'),
  testSecretAsEnviron: of('secrets'),
  testSecretAsEnvironWithFileMount: of('secrets'),
  testSSHSocketParams: of('secrets'),
  testSSHFileDescriptorsClosed: of('secrets'),
}

const NETWORK = 'RUN reaches the host’s network, by default and with --network=host, but not with --network=none'

export const RUN: Section = {
  testRunNoNetwork: held('--network=none leaves the loopback alone', NETWORK),
  // Shale has no bridge: the default network is the host's.
  testRunDefaultNetwork: held(NETWORK),
  testRunHostNetwork: partly('grants', NETWORK),
  testRunGlobalNetwork: held(NETWORK),
  testRunSecurityInsecure: partly('grants', '--security=insecure needs a grant', 'the default set of capabilities'),
  testRunSecuritySandbox: held('the default set of capabilities'),
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
  'testMountRWCache (cache)': of('mounts'),
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
  testOCILayoutMultiname: of('outputs'),
  testMultiNilRefsOCIExporter: of('platforms'),
  testTarExporterBasic: of('outputs'),
}

const GIVEN = 'the epoch as build argument, as default of a global ARG, and both'

export const EPOCH: Section = {
  testSourceDateEpochWithoutExporter: held('the epoch as option sets every time'),
  testSourceDateEpochDockerfileDefault: held(GIVEN),
  testSourceDateEpochDockerfileDefaultOverride: held(GIVEN),
  testSourceDateEpochDockerfileDefaultReset: partly('outputs', 'an empty build argument takes the default back'),
  testSourceDateEpochDockerfileDefaultInvalid: held('an epoch that is no number'),
  testSourceDateEpochContextGit: of('contexts'),
  testSourceDateEpochContextHTTPLastModified: of('contexts'),
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
