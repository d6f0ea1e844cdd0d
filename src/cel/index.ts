/** CEL as the API server offers it. */
export { baseLibraries, createAdmissionEnvironment } from './admission.ts';
export { compile } from './compile.ts';
export type { CompileOptions, CompileResult } from './compile.ts';
export { DuplicateOverloadError } from './duplicate-overload-error.ts';
export { createEnvironment } from './environment.ts';
export type { Environment, EnvironmentOptions, Library } from './environment.ts';
export type { Activation } from './evaluate/frame.ts';
export { globalOverload, memberOverload } from './function.ts';
export type {
  CallCost,
  ConstantArgument,
  FunctionCost,
  FunctionDeclaration,
  Implementation,
  Overload,
} from './function.ts';
export { fromJson } from './json.ts';
export * from './library/index.ts';
export { PER_CALL_LIMIT } from './program.ts';
export type { EvaluateOptions, EvaluationResult, Program } from './program.ts';
export type { CompileIssue } from './syntax/source.ts';
export {
  BoolType,
  BytesType,
  DoubleType,
  DurationType,
  DynType,
  IntType,
  NullType,
  StringType,
  TimestampType,
  Type,
  TypeType,
  UintType,
  listType,
  mapType,
  objectType,
  opaqueType,
  optionalType,
  typeParameter,
} from './types.ts';
export {
  Duration,
  EvaluationError,
  ListValue,
  MapValue,
  OpaqueValue,
  OptionalValue,
  Timestamp,
  Uint,
} from './values.ts';
export type { Bytes, Result, Value } from './values.ts';
