import { testRandomEdits } from './property-edits.ts'

testRandomEdits(0)
