/** How the walks of the engine differ from a cluster's; told in `--help` and at the end of every trace. */
export const notSimulatedText =
  'Between the two walks the API server also fills in the defaults of built-in types and checks objects against their schema; that is not simulated.';
