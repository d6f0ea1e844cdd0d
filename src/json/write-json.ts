import type { ImpreciseLiterals } from './imprecise-literals.ts';
import type { JsonValue } from './json-value.ts';
import { serialize } from './serialize.ts';

/**
 * JSON text of `value`, without white space. With the `literals` that `readJson` gave, numbers which a double does not
 * hold are written as they came; raw numbers always are. Nesting of any depth is written. Throws nothing.
 */
export function writeJson(value: JsonValue, literals?: ImpreciseLiterals): string {
  if (literals !== undefined && literals.size > 0) {
    return serialize(value, { literals });
  }
  try {
    return JSON.stringify(value);
  } catch (error) {
    // JSON.stringify recurses and overflows the stack at some thousand levels; Kubernetes accepts 10,000.
    if (error instanceof RangeError) {
      return serialize(value);
    }
    throw error;
  }
}
