import { Quantity, QuantityError } from '../../api/quantity.ts';
import { scanCost } from '../cost.ts';
import { globalOverload, memberOverload } from '../function.ts';
import { BoolType, DoubleType, IntType, StringType, objectType } from '../types.ts';
import { EvaluationError, OpaqueValue, noSuchOverload } from '../values.ts';
import type { Library } from '../environment.ts';
import type { Type } from '../types.ts';
import type { Value } from '../values.ts';

/** An amount: what `quantity("1.5Gi")` gives. */
class QuantityValue extends OpaqueValue {
  override readonly type = QuantityType;
  readonly quantity: Quantity;
  /** Whether `add` or `sub` made it. */
  readonly isComputed: boolean;

  constructor(quantity: Quantity, isComputed: boolean) {
    super();
    this.quantity = quantity;
    this.isComputed = isComputed;
  }

  override equals(other: Value): boolean | EvaluationError {
    // The server's sums are pointers, which the equality of its quantities does not know on the right side.
    if (!(other instanceof QuantityValue) || other.isComputed) return noSuchOverload();
    return this.quantity.compare(other.quantity) === 0;
  }
}

const QuantityType: Type<QuantityValue> = objectType('kubernetes.Quantity');

/**
 * `quantity`, `isQuantity`, `sign`, `isInteger`, `asInteger`, `asApproximateFloat`, `add`, `sub`, `compareTo`,
 * `isGreaterThan`, `isLessThan`.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/cel/library/quantity.go.
 */
export const quantityLibrary: Library = {
  name: 'kubernetes.quantity',
  functions: [
    {
      name: 'quantity',
      cost: (_, [text]) => scanCost(text),
      overloads: [globalOverload('string_to_quantity', [StringType], QuantityType, toQuantity)],
    },
    {
      name: 'isQuantity',
      cost: (_, [text]) => scanCost(text),
      overloads: [
        globalOverload(
          'is_quantity_string',
          [StringType],
          BoolType,
          (text) => toQuantity(text) instanceof QuantityValue,
        ),
      ],
    },
    {
      name: 'sign',
      cost: () => 1,
      // Called sign(q), alone among these functions.
      overloads: [globalOverload('quantity_sign', [QuantityType], IntType, (q) => BigInt(q.quantity.sign()))],
    },
    {
      name: 'isGreaterThan',
      cost: () => 1,
      overloads: [
        memberOverload(
          'quantity_is_greater_than',
          [QuantityType, QuantityType],
          BoolType,
          (a, b) => compare(a, b) === 1,
        ),
      ],
    },
    {
      name: 'isLessThan',
      cost: () => 1,
      overloads: [
        memberOverload('quantity_is_less_than', [QuantityType, QuantityType], BoolType, (a, b) => compare(a, b) === -1),
      ],
    },
    {
      name: 'compareTo',
      cost: () => 1,
      overloads: [
        memberOverload('quantity_compare_to', [QuantityType, QuantityType], IntType, (a, b) => BigInt(compare(a, b))),
      ],
    },
    {
      name: 'asApproximateFloat',
      cost: () => 1,
      overloads: [
        memberOverload('quantity_get_float', [QuantityType], DoubleType, (q) => q.quantity.asApproximateFloat()),
      ],
    },
    {
      name: 'asInteger',
      cost: () => 1,
      overloads: [
        memberOverload(
          'quantity_get_int',
          [QuantityType],
          IntType,
          (q) => q.quantity.asInteger() ?? new EvaluationError('cannot convert value to integer'),
        ),
      ],
    },
    {
      name: 'isInteger',
      cost: () => 1,
      overloads: [memberOverload('quantity_is_integer', [QuantityType], BoolType, (q) => q.quantity.isInteger())],
    },
    {
      name: 'add',
      cost: () => 1,
      overloads: [
        memberOverload('quantity_add', [QuantityType, QuantityType], QuantityType, (a, b) =>
          computed(a.quantity.add(b.quantity)),
        ),
        memberOverload('quantity_add_int', [QuantityType, IntType], QuantityType, (a, b) =>
          computed(a.quantity.add(Quantity.of(b, 'DecimalExponent'))),
        ),
      ],
    },
    {
      name: 'sub',
      cost: () => 1,
      overloads: [
        memberOverload('quantity_sub', [QuantityType, QuantityType], QuantityType, (a, b) =>
          computed(subtract(a.quantity, b.quantity)),
        ),
        memberOverload('quantity_sub_int', [QuantityType, IntType], QuantityType, (a, b) =>
          computed(subtract(a.quantity, Quantity.of(b, 'DecimalExponent'))),
        ),
      ],
    },
  ],
};

function toQuantity(text: string): QuantityValue | EvaluationError {
  try {
    return new QuantityValue(Quantity.parse(text), false);
  } catch (error) {
    if (error instanceof QuantityError) return new EvaluationError(error.message);
    throw error;
  }
}

const MIN_INT64 = -(1n << 63n);

/** `a - b`. The server negates what it subtracts as an int64, and the least of these is its own negation. */
function subtract(a: Quantity, b: Quantity): Quantity {
  if (b.asInteger() !== MIN_INT64) return a.subtract(b);
  const wrapped = a.add(b);
  return wrapped.isInteger() ? wrapped : a.subtract(b);
}

function computed(quantity: Quantity): QuantityValue {
  return new QuantityValue(quantity, true);
}

function compare(a: QuantityValue, b: QuantityValue): -1 | 0 | 1 {
  return a.quantity.compare(b.quantity);
}
