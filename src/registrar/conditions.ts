import { InvalidDefinitionError, type WebhookRegistry } from '../admission/index.ts';

/**
 * Compiles the match conditions of all webhooks as the API server does before it stores them: one that does not compile
 * would keep all of them from being registered. CEL is loaded only when there are any.
 *
 * Throws {@link InvalidDefinitionError} naming the place, the field and what the compiler says.
 */
export async function checkMatchConditions(registry: WebhookRegistry): Promise<void> {
  const definitions = [...registry].filter(({ matchConditions }) => matchConditions.length > 0);
  if (definitions.length === 0) return;
  const { createConditionCompiler } = await import('../chain/match/cel-conditions.ts');
  const compiler = createConditionCompiler();
  for (const { name, place, matchConditions } of definitions) {
    for (const [index, { expression }] of matchConditions.entries()) {
      const compiled = compiler.compile(expression.trim());
      if (compiled.kind === 'program') continue;
      throw new InvalidDefinitionError(`matchConditions[${index}].expression`, compiled.error, place, name);
    }
  }
}
