import { held, of, partly, type Section } from './row.ts'

export const WORKDIR: Section = {
  testWorkdirCreatesDir: held('WORKDIR makes its directory, even if another follows'),
  testWorkdirUser: held('a directory that WORKDIR makes belongs to the user, one that exists keeps its owner'),
  testWorkdirExists: held('a directory that WORKDIR makes belongs to the user, one that exists keeps its owner'),
  testWorkdirCopyIgnoreRelative: held(
    'sources of COPY --from stand on the root, not on the other stage’s working directory',
  ),
  testWorkdirSourceDateEpochReproducible: held('a build with WORKDIR repeats its digest from nothing'),
}

const PROXIES = 'proxy arguments need no ARG, come in both cases, and do not enter the key'

export const VARIABLES: Section = {
  testGlobalArg: held('a build argument overrides a global ARG in FROM'),
  testGlobalArgErrors: held('a global ARG that demands a value', 'an ARG whose default demands another value has it'),
  testArgDefaultExpansion: held(
    'an ARG of a stage that demands a value',
    'a given build argument makes the default irrelevant',
  ),
  testMultiArgs: held('several ARGs on a line, global ones that refer to others, stage ones that take them over'),
  testQuotedMetaArgs: held('quotes of global ARGs are taken off once'),
  testTargetStageNameArg: held(
    'TARGETSTAGE shows once it is declared: target …',
    'TARGETSTAGE is the last stage’s name when no target is given',
  ),
  testBuiltinArgs: held(PROXIES),
  testDefaultEnvWithArgs: held('operators of expansion work in FROM and ENV: …'),
  testEmptyStringArgInEnv: held('an empty ARG is in the environment, one without value is not'),
  testEnvEmptyFormatting: held('percent signs mean nothing in ENV'),
  TestProxyEnvFromBuildArgsDeterministicOrder: held(PROXIES),
  TestToEnvList: held('ENV beats ARG, even when it is empty'),
  testOutlineRecursiveArgs: held('ARGs declared again expand with the value so far'),
  testExposeExpansion: held('EXPOSE expands and splits into words, takes ranges, drops host parts'),
  'TestParsePorts*': held(
    'EXPOSE expands and splits into words, takes ranges, drops host parts',
    'EXPOSE 0.0.0.0:1-2:/tcp is no port',
    'EXPOSE localhost:1234:1234/tcp is no port',
  ),
}

export const USER: Section = {
  testUser: held('USER decides ids and supplementary groups of RUN'),
  testUserAdditionalGids: held('USER decides ids and supplementary groups of RUN'),
}

const SCRIPTS = 'RUN gives a here-document to the shell, or to the SHELL that was set, or to its own interpreter'

export const HEREDOCS: Section = {
  testCopyHeredoc: held('COPY makes files of here-documents, named by the destination or the delimiter'),
  testCopyHeredocSpecialSymbols: held('backslashes and quotes in here-documents'),
  testRunBasicHeredoc: held(SCRIPTS),
  testRunFakeHeredoc: held(SCRIPTS),
  testRunShebangHeredoc: held(SCRIPTS),
  testRunComplexHeredoc: held('several here-documents go to the shell as written, with pipes and descriptors'),
  testHeredocIndent: held('<<- takes leading tabs off, << keeps them'),
  testHeredocVarSubstitution: held(
    'COPY expands here-documents unless the delimiter is quoted, RUN leaves that to the shell',
  ),
  testOnBuildHeredoc: held('a trigger keeps its here-document'),
}

const READS = 'a trigger may name a stage of the Dockerfile that uses it, or an image of its own'

export const ONBUILD: Section = {
  testOnBuildCleared: held('triggers of an image run once and are gone from what is built on it'),
  testOnBuildWithChildStage: held('triggers run right after FROM, and not again in stages on that stage'),
  testOnBuildNamedContext: partly('named', READS),
  testOnBuildInheritedStageRun: held('triggers of a stage run in the stages built on it'),
  testOnBuildInheritedStageWithFrom: held('a trigger of a stage may copy from another stage'),
  testOnBuildNewDeps: held(READS),
  'testOnBuildNewDeps (mount)': held('an ONBUILD trigger may mount a stage of the Dockerfile that uses it'),
  testOnBuildWithCacheMount: held('a trigger shares its cache with the image that it runs in'),
  TestErrorCases: held('FROM is no trigger', 'ONBUILD is no trigger'),
}

const NAMED = 'a named context takes the place of an image, of a whole stage, and is copied from'

export const STAGES: Section = {
  testMultiStageImplicitFrom: held('COPY --from takes an image that is no stage'),
  'testMultiStageImplicitFrom (masked)': held('a stage hides an image of its name'),
  testMultiStageCaseInsensitive: held('stage names have no case, in targets too'),
  testOutOfOrderStage: held('COPY / from a stage further down', 'COPY /d2 from a stage further down'),
  testEmptyStages: held('no stages'),
  testTargetMistype: held('a mistyped target'),
  TestDockerfileCircularDependencies: held('a stage that copies from itself'),
  'TestDockerfileCircularDependencies (3 stages)': held('stages in a circle'),
  TestCopyFromKeepsStageLabels: held('COPY --from brings files, no config'),
  TestBaseImageConfig: held('a stage built on a stage has the base image of that stage'),
  testPlatformArgsImplicit: held('platform arguments choose a stage without ARG'),
  testPlatformArgsExplicit: held('platform arguments show in a stage once declared, a build argument overrides them'),
  testExportMultiPlatform: held(
    'one folder for each platform, in folders and tars (testExportMultiPlatform, testTarExporterMulti)',
    'several platforms are an index, tagged as one image, with the label of each',
  ),
  testTarExporterMulti: held(
    'platform arguments choose a stage without ARG',
    'one folder for each platform, in folders and tars (testExportMultiPlatform, testTarExporterMulti)',
  ),
  testTargetsList: of('calls'),
  testOutlineArgs: of('calls'),
  testOutlineSecrets: of('calls'),
  testNamedImageContext: held(NAMED),
  'testNamedImageContext (stage)': held(
    'an image takes the place of a stage, whose steps are not run; the main context stays itself',
  ),
  testNamedImageContextScratch: held(NAMED),
  testNamedLocalContext: held(NAMED),
  testEagerNamedContextLookup: held(
    'stages that nothing needs are not built, their images not looked for',
    'named contexts that nothing asks for are not looked up; those that are asked for are named in errors',
  ),
  testNamedFilteredContext: of('named'),
}
