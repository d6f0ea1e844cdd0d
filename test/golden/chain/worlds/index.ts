import type { World } from '../scenario.ts';
import { first } from './first.ts';

/** All worlds by the file their recordings are in. */
export const sections: { readonly [file: string]: readonly World[] } = { first };
