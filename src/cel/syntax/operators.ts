/** The names operators have as functions. Source: cel-go v0.29.2 common/operators/operators.go. */
export const CONDITIONAL = '_?_:_';
export const LOGICAL_AND = '_&&_';
export const LOGICAL_OR = '_||_';
export const LOGICAL_NOT = '!_';
export const EQUALS = '_==_';
export const NOT_EQUALS = '_!=_';
export const LESS = '_<_';
export const LESS_EQUALS = '_<=_';
export const GREATER = '_>_';
export const GREATER_EQUALS = '_>=_';
export const ADD = '_+_';
export const SUBTRACT = '_-_';
export const MULTIPLY = '_*_';
export const DIVIDE = '_/_';
export const MODULO = '_%_';
export const NEGATE = '-_';
export const INDEX = '_[_]';
export const OPTIONAL_INDEX = '_[?_]';
export const OPTIONAL_SELECT = '_?._';
export const IN = '@in';
/** What the loop conditions of `all` and `exists` ask: false only for false, true for true and for errors. */
export const NOT_STRICTLY_FALSE = '@not_strictly_false';
