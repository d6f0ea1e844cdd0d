/**
 * Makes syntax tree nodes and numbers them, remembering where in the source each came from.
 *
 * Ids follow cel-go's order of creation: one error text prints an id, and costs are counted by id there.
 *
 * Source: cel-go v0.29.2 parser/helper.go.
 */
import type { Expression, MapEntry, ObjectField } from './ast.ts';
import type { ComprehensionParts, ExpressionFactory } from './macro.ts';
import type { Value } from '../values.ts';

/** Ids and the UTF-16 offsets they point at. */
export class ExpressionIds {
  readonly #offsets = new Map<number, number>();
  #next = 1;

  /** A fresh id that points at `offset`. */
  create(offset: number): number {
    const id = this.#next++;
    this.#offsets.set(id, offset);
    return id;
  }

  /** Makes `id` point at `offset`, which was not known when it was created. */
  place(id: number, offset: number): void {
    this.#offsets.set(id, offset);
  }

  /** Forgets a macro call that was expanded; its number is used again if it was the last. */
  delete(id: number): void {
    this.#offsets.delete(id);
    if (id === this.#next - 1) this.#next--;
  }

  /** Where `id` points, if anywhere. */
  offsetOf(id: number): number | undefined {
    return this.#offsets.get(id);
  }
}

/** The factory handed to macros: all nodes it makes point at the macro call. */
export class MacroExpressionFactory implements ExpressionFactory {
  readonly accumulatorName = '@result';
  readonly #ids: ExpressionIds;
  readonly #offset: number;

  constructor(ids: ExpressionIds, callOffset: number) {
    this.#ids = ids;
    this.#offset = callOffset;
  }

  literal(value: Value): Expression {
    return { kind: 'literal', id: this.#id(), value };
  }

  identifier(name: string): Expression {
    return { kind: 'identifier', id: this.#id(), name };
  }

  accumulator(): Expression {
    return this.identifier(this.accumulatorName);
  }

  presenceTest(operand: Expression, field: string): Expression {
    return { kind: 'select', id: this.#id(), operand, field, testOnly: true };
  }

  call(name: string, ...args: readonly Expression[]): Expression {
    return { kind: 'call', id: this.#id(), function: name, target: undefined, args };
  }

  memberCall(name: string, target: Expression, ...args: readonly Expression[]): Expression {
    return { kind: 'call', id: this.#id(), function: name, target, args };
  }

  list(...elements: readonly Expression[]): Expression {
    return { kind: 'list', id: this.#id(), elements, optionalIndexes: [] };
  }

  emptyMap(): Expression {
    return { kind: 'map', id: this.#id(), entries: [] };
  }

  comprehension(parts: ComprehensionParts): Expression {
    const { iterationVariable2, accumulatorVariable = this.accumulatorName } = parts;
    return { ...parts, kind: 'comprehension', id: this.#id(), iterationVariable2, accumulatorVariable };
  }

  copy(expression: Expression): Expression {
    const id = this.#ids.create(this.#ids.offsetOf(expression.id) ?? this.#offset);
    switch (expression.kind) {
      case 'literal':
      case 'identifier':
        return { ...expression, id };
      case 'select':
        return { ...expression, id, operand: this.copy(expression.operand) };
      case 'call': {
        const args = expression.args.map((arg) => this.copy(arg));
        const target = expression.target === undefined ? undefined : this.copy(expression.target);
        return { ...expression, id, target, args };
      }
      case 'list':
        return { ...expression, id, elements: expression.elements.map((element) => this.copy(element)) };
      case 'map':
        return { ...expression, id, entries: expression.entries.map((entry) => this.#copyEntry(entry)) };
      case 'object':
        return { ...expression, id, fields: expression.fields.map((field) => this.#copyField(field)) };
      case 'comprehension': {
        const range = this.copy(expression.range);
        const accumulatorInit = this.copy(expression.accumulatorInit);
        const loopCondition = this.copy(expression.loopCondition);
        const loopStep = this.copy(expression.loopStep);
        const result = this.copy(expression.result);
        return { ...expression, id, range, accumulatorInit, loopCondition, loopStep, result };
      }
    }
  }

  #copyEntry(entry: MapEntry): MapEntry {
    const id = this.#id();
    return { ...entry, id, key: this.copy(entry.key), value: this.copy(entry.value) };
  }

  #copyField(field: ObjectField): ObjectField {
    const id = this.#id();
    return { ...field, id, value: this.copy(field.value) };
  }

  #id(): number {
    return this.#ids.create(this.#offset);
  }
}
