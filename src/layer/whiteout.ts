/** A file `.wh.NAME` deletes NAME of the layers below. Source: OCI image-spec v1.1 layer.md, "Whiteouts". */
export const WHITEOUT_PREFIX = '.wh.'

/** A file of this name makes its directory opaque: it hides what the layers below have in it. */
export const WHITEOUT_OPAQUE = '.wh..wh..opq'
