/** What a part counted. */
export type Counts = Readonly<Record<string, number>>

export interface SoakContext {
  readonly seed: number
  /** Tells the user how far it is. */
  readonly say: (progress: string) => void
}

/** A part of the soak: it gives what it counted, or throws for what does not hold. */
export interface Part {
  readonly name: string
  readonly run: (context: SoakContext) => Promise<Counts>
}
