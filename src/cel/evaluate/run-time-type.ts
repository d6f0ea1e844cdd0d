/**
 * Does a value fit a declared type, as far as run time can tell?
 *
 * Source: cel-go v0.29.2 common/types/types.go, defaultIsAssignableRuntimeType.
 */
import { entriesOf } from '../map.ts';
import { typeOf } from '../type-of.ts';
import { DynType, isDynamic } from '../types.ts';
import type { Type } from '../types.ts';
import { ListValue, MapValue } from '../values.ts';
import type { Value } from '../values.ts';

/** Tests values against one type. */
export type TypeTest = (value: Value) => boolean;

/** The test for `type`. Of lists and maps it looks at the first element or entry only. */
export function typeTest(type: Type): TypeTest {
  switch (type.kind) {
    case 'string':
      return (value) => typeof value === 'string';
    case 'int':
      return (value) => typeof value === 'bigint';
    case 'list':
      return listTest(type.parameters[0] ?? DynType);
    case 'map':
      return mapTest(type.parameters[0] ?? DynType, type.parameters[1] ?? DynType);
    default:
      return isDynamic(type) ? () => true : (value) => typeOf(value).name === type.name;
  }
}

function listTest(element: Type): TypeTest {
  const fits = typeTest(element);
  return (value) => value instanceof ListValue && (value.size === 0 || fits(value.at(0)));
}

function mapTest(key: Type, element: Type): TypeTest {
  const [keyFits, elementFits] = [typeTest(key), typeTest(element)];
  return (value) => {
    if (!(value instanceof MapValue)) return false;
    const first = entriesOf(value).next();
    return first.done === true || (keyFits(first.value[0]) && elementFits(first.value[1]));
  };
}
