import { formatPlatform } from '../../oci/platform.ts'
import { matchesPlatform } from '../../oci/platform-choice.ts'
import type { Rule } from '../rule.ts'
import { baseStage, platformOf } from '../simulate.ts'

export const invalidBaseImagePlatform: Rule = {
  name: 'InvalidBaseImagePlatform',
  description: 'Base image platform does not match expected target platform',
  *check(subject) {
    const wanted = new Set(subject.stages)
    for (const { stage, image, platform } of subject.froms) {
      if (image === undefined || image.value === 'scratch' || !wanted.has(stage.index)) continue
      if (baseStage(subject.dockerfile, stage.index, image.value) !== undefined) continue
      const expected = platformOf(platform?.value) ?? subject.platform
      const own = subject.base(image.value, expected)?.platform
      if (own === undefined || matchesPlatform(own, expected)) continue
      const [found, asked] = [own, expected].map(one => JSON.stringify(formatPlatform(one)))
      const detail = `Base image ${image.value} was pulled with platform ${found}, expected ${asked} for current build`
      yield { range: stage.from.range, detail }
    }
  },
}
