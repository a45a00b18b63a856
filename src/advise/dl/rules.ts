import type { LintRule } from '../lint/lint-rule.ts'
import { dl3018, dl3019 } from './alpine.ts'
import { dl3001, dl3003, dl3004, dl3046, dl3047, dl3059, dl4001, dl4005, dl4006 } from './commands.ts'
import {
  dl3000,
  dl3002,
  dl3011,
  dl3012,
  dl3025,
  dl3043,
  dl3044,
  dl3057,
  dl3064,
  dl3066,
  dl4000,
  dl4003,
  dl4004,
} from './config.ts'
import { dl3010, dl3020, dl3021, dl3022, dl3023, dl3045, dl3067 } from './copying.ts'
import { dl3008, dl3009, dl3014, dl3015, dl3027 } from './debian.ts'
import { dl3006, dl3007, dl3024, dl3026, dl3029, dl3061, dl3063, dl3065 } from './images.ts'
import { dl3048, dl3049, dl3050, dl3051, dl3052, dl3053, dl3054, dl3055, dl3056, dl3058 } from './labels.ts'
import { dl3016, dl3028, dl3060, dl3062 } from './languages.ts'
import { dl1001 } from './pragma.ts'
import { dl3013, dl3042 } from './python.ts'
import { dl3030, dl3032, dl3033, dl3038, dl3040, dl3041 } from './rpm.ts'
import { dl3034, dl3035, dl3036, dl3037 } from './zypper.ts'

/** hadolint's rules, under its names. docs/rules/hadolint.md has them in a table. */
export const DL_RULES: readonly LintRule[] = [
  ...[dl1001, dl3000, dl3001, dl3002, dl3003, dl3004, dl3006, dl3007, dl3008, dl3009, dl3010, dl3011, dl3012, dl3013],
  ...[dl3014, dl3015, dl3016, dl3018, dl3019, dl3020, dl3021, dl3022, dl3023, dl3024, dl3025, dl3026, dl3027, dl3028],
  ...[dl3029, dl3030, dl3032, dl3033, dl3034, dl3035, dl3036, dl3037, dl3038, dl3040, dl3041, dl3042, dl3043, dl3044],
  ...[dl3045, dl3046, dl3047, dl3048, dl3049, dl3050, dl3051, dl3052, dl3053, dl3054, dl3055, dl3056, dl3057, dl3058],
  ...[dl3059, dl3060, dl3061, dl3062, dl3063, dl3064, dl3065, dl3066, dl3067, dl4000, dl4001, dl4003, dl4004, dl4005],
  dl4006,
]
