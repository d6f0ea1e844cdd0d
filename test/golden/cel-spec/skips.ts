/**
 * What the specification has and Kubernetes has not. `count` vectors of the specification are left out for each reason;
 * the test counts them, and none of them may give what the specification says.
 *
 * What the API server does with such expressions is in ../cel: mixed literals, `%e` and the like are recorded there.
 */
import type { Vector } from './vectors.ts';

/** One difference between the specification and Kubernetes. */
export interface Skip {
  readonly reason: string;
  readonly count: number;
  readonly applies: (vector: Vector) => boolean;
}

/** The first that applies is the reason. */
export const skips: readonly Skip[] = [
  {
    reason: 'no math, encoders and bindings extensions, no cel.block',
    count: 245,
    applies: inFiles('math_ext', 'encoders_ext', 'bindings_ext', 'block_ext'),
  },
  {
    reason: 'no protocol buffers: messages, their enums, extensions and wrapper types',
    count: 682,
    applies: ({ path, test }) =>
      /^(enums|wrappers|proto2|proto2_ext|proto3)\//.test(path) ||
      /TestAllTypes|google\.protobuf\.\w+\{/.test(test.expr) ||
      /^(google\.protobuf|cel\.expr\.conformance\.proto[23])$/.test(test.container) ||
      test.typeEnv.some(({ declKind }) => declKind.case === 'ident' && isMessage(declKind.value.type)),
  },
  {
    reason: 'no containers: names are never resolved within a namespace',
    count: 2,
    applies: ({ test }) => test.container !== '',
  },
  {
    reason: 'every expression is type-checked; these are not well typed',
    count: 28,
    applies: named(
      'basic/variables/unbound_is_runtime_error',
      'basic/functions/unbound_is_runtime_error',
      'comparisons/eq_literal/not_eq_list_length',
      'comparisons/eq_literal/eq_mixed_types',
      'comparisons/eq_literal/eq_list_elem_mixed_types',
      'comparisons/ne_literal/ne_mixed_types',
      'logic/conditional/mixed_type',
      'logic/AND/short_circuit_type_left',
      'logic/AND/short_circuit_type_right',
      'logic/OR/short_circuit_type_left',
      'logic/OR/short_circuit_type_right',
      'parse/receiver_function_names/',
    ),
  },
  {
    reason: 'elements of a literal have one type (cel-go: HomogeneousAggregateLiterals)',
    count: 51,
    applies: named(
      'comparisons/eq_literal/not_eq_list_null',
      'comparisons/eq_literal/eq_list_mixed_type_numbers',
      'comparisons/eq_literal/not_eq_list_mixed_type_numbers',
      'comparisons/eq_literal/not_eq_list_false_vs_types',
      'comparisons/eq_literal/not_eq_map_null',
      'comparisons/eq_literal/eq_map_mixed_type_numbers',
      'comparisons/eq_literal/not_eq_map_false_vs_types',
      'comparisons/eq_literal/eq_map_value_mixed_types',
      'comparisons/eq_literal/not_eq_list_elem_null',
      'comparisons/eq_literal/not_eq_map_value_null',
      'comparisons/in_list_literal/elem_in_mixed_type_list',
      'comparisons/in_list_literal/elem_in_mixed_type_list_cross_type',
      'comparisons/in_map_literal/key_in_mixed_key_type_map',
      'comparisons/in_map_literal/key_in_mixed_key_type_map_cross_type',
      'conversions/dyn/dyn_heterogeneous_list',
      'fields/map_fields/map_key_int64',
      'fields/map_fields/map_key_uint64',
      'fields/map_fields/map_key_mixed_',
      'fields/map_fields/map_value_mix_type',
      'fields/quoted_map_fields/field_access_dash',
      'fields/quoted_map_fields/has_field_dash',
      'fields/qualified_identifier_resolution/map_value_repeat_key_heterogeneous',
      'fields/in/mixed_numbers_and_keys_',
      'macros/exists/list_elem_type_',
      'macros/exists/map_key_type_',
      'macros/all/list_elem_type_shortcircuit',
      'macros/all/list_elem_type_exhaustive',
      'macros2/exists/list_elem_type_',
      'macros2/exists/map_key_type_',
      'macros2/all/list_elem_type_',
      'optionals/optionals/optional_chaining_13',
      'optionals/optionals/map_key_mixed_',
      'plumbing/check_inputs/skip_check',
      'type_deductions/flexible_type_parameter_assignment/optional_dyn_promotion',
      'type_deductions/flexible_type_parameter_assignment/optional_dyn_promotion_2',
      'type_deductions/type_parameters/multiple_parameters_generality',
      'type_deductions/legacy_nullable_types/null_assignable_to_abstract_parameter_candidate',
    ),
  },
  {
    reason: 'strings library in version 2: older %e, %s of lists and infinities; indexOf beyond the end finds nothing',
    count: 20,
    applies: named(
      'string_ext/format/scientific notation formatting clause',
      'string_ext/format/scientific notation formatting clause in a string variable',
      'string_ext/format/default precision for scientific notation',
      'string_ext/format/NaN support for scientific notation',
      'string_ext/format/positive infinity support for ',
      'string_ext/format/negative infinity support for ',
      'string_ext/format/NaN support for decimal',
      'string_ext/format/list support for string',
      'string_ext/format/map support for string',
      'string_ext/format/map support (all key types)',
      'string_ext/format/dyntype support for scientific notation',
      'string_ext/format/dyntype NaN/infinity support',
      'string_ext/format/dyntype support for lists',
      'string_ext/format/dyntype support for maps',
      'string_ext/value_errors/indexof_out_of_range',
      'string_ext/value_errors/lastindexof_out_of_range',
    ),
  },
  {
    reason: 'constants are evaluated when the program is made, so || and && cannot hide their errors',
    count: 2,
    applies: named('fields/map_fields/map_bad_key_type_or_true', 'fields/map_fields/map_bad_key_type_and_false'),
  },
  {
    reason: 'cel-go differs from the specification: the last of equal keys wins; optional selection in a scalar is none',
    count: 3,
    applies: named(
      'fields/qualified_identifier_resolution/map_value_repeat_key',
      'optionals/optionals/map_null_entry_no_such_key',
      'optionals/optionals/map_present_key_invalid_field',
    ),
  },
];

function inFiles(...files: string[]): Skip['applies'] {
  return ({ path }) => files.includes(path.slice(0, path.indexOf('/')));
}

/** Vectors whose path is one of `paths`, or begins with one that ends in a separator. */
function named(...paths: string[]): Skip['applies'] {
  return ({ path }) => paths.some((name) => (/[_/ ]$/.test(name) ? path.startsWith(name) : path === name));
}

type SpecType = Extract<Vector['test']['typeEnv'][number]['declKind'], { case: 'ident' }>['value']['type'];

function isMessage(type: SpecType): boolean {
  return type?.typeKind.case === 'messageType' || type?.typeKind.case === 'wrapper';
}
