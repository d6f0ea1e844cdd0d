/**
 * Where cel-go panics: the whole evaluation fails, and no `||` swallows it. Leaves the evaluator as an exception, never
 * the room.
 */
export class Panic extends Error {}
