import type { World } from '../scenario.ts';
import { answers } from './answers.ts';
import { conditions } from './conditions.ts';
import { exempt } from './exempt.ts';
import { failures } from './failures.ts';
import { generatedWorlds } from './generated.ts';
import { network } from './network.ts';
import { order } from './order.ts';
import { patchWorlds } from './patches.ts';
import { reinvocation } from './reinvocation.ts';
import { review } from './review.ts';
import { rules } from './rules.ts';
import { selectorWorlds } from './selectors.ts';
import { telling } from './telling.ts';

/** All worlds by the file their recordings are in. */
export const sections: { readonly [file: string]: readonly World[] } = {
  order,
  rules,
  selectors: selectorWorlds,
  conditions,
  exempt,
  review,
  answers,
  patches: patchWorlds,
  reinvocation,
  failures,
  telling,
  network,
  generated: generatedWorlds(240, 20_260_101),
};
